"""Views that take a while, end never, or end too late."""

import asyncio
import time

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path
from drain.site.consumers import FLOOD, PART
from drain.site.notes import note


async def stream(request, name):
    async def events():
        try:
            yield b"data: hello\n\n"
            while True:
                await asyncio.sleep(0.05)
                yield b": still here\n\n"
        finally:
            note(f"stream {name}")

    return StreamingHttpResponse(events(), content_type="text/event-stream")


async def flood(request):
    async def parts():
        for _ in range(FLOOD):
            yield PART
            await asyncio.sleep(0)
        note("flooded stream")

    return StreamingHttpResponse(parts(), content_type="text/event-stream")


async def download(request):
    async def parts():
        while True:
            yield b"x" * 1024
            await asyncio.sleep(0.05)

    return StreamingHttpResponse(parts(), content_type="application/octet-stream")


async def slow(request):
    await asyncio.sleep(float(request.GET["s"]))
    return HttpResponse("slow")


def slow_sync(request):
    time.sleep(float(request.GET["s"]))
    return HttpResponse("slow")


urlpatterns = [
    path("stream/<name>/", stream),
    path("flood/", flood),
    path("download/", download),
    path("slow/", slow),
    path("slow-sync/", slow_sync),
]

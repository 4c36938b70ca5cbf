import asyncio

from django.http import StreamingHttpResponse
from django.urls import path


async def ticks():
    while True:
        yield "data: tick\n\n"
        await asyncio.sleep(0.5)


async def events(request):
    return StreamingHttpResponse(ticks(), content_type="text/event-stream")


urlpatterns = [path("events/", events)]

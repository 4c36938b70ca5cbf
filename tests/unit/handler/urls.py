"""Views that return the thread they run on."""

import asyncio
import contextvars
import threading
import time

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.template.response import SimpleTemplateResponse
from django.urls import path

SEEN = contextvars.ContextVar("seen", default="nothing")
GATE = threading.Event()
NOTED = []


def here():
    return str(threading.get_ident())


def sync_view(request):
    return HttpResponse(here())


async def async_view(request):
    return HttpResponse(here())


async def several_calls(request):
    found = [await sync_to_async(here)() for _ in range(3)]
    return HttpResponse(" ".join([*found, here()]))


def waits_for_the_gate(request):
    NOTED.append("begun")
    GATE.wait(20)
    return HttpResponse(here())


async def awaits(request):
    first = await sync_to_async(here)()
    NOTED.append("begun")
    while not GATE.is_set():
        await asyncio.sleep(0.01)
    return HttpResponse(f"{first} {await sync_to_async(here)()}")


async def awaits_only(request):
    NOTED.append("begun")
    while not GATE.is_set():
        await asyncio.sleep(0.01)
    return HttpResponse(here())


async def awaits_a_moment(request):
    await sync_to_async(time.sleep)(0.005)
    await asyncio.sleep(0.02)
    return HttpResponse(here())


async def notes_cancellation(request):
    NOTED.append("begun")
    try:
        await asyncio.sleep(20)
    except asyncio.CancelledError:
        NOTED.append("cancelled")
        raise
    return HttpResponse("late")


async def notes_cancellation_slowly(request):
    try:
        NOTED.append("begun")
        await asyncio.sleep(20)
    finally:
        NOTED.append("cancelled")
        await asyncio.sleep(0.05)


async def ignores_cancellation(request):
    NOTED.append("begun")
    try:
        await asyncio.sleep(20)
    except asyncio.CancelledError:
        NOTED.append("cancelled")
    return HttpResponse("all the same")


async def times_out(request):
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(20)
    except TimeoutError:
        return HttpResponse("timed out")


async def stream(request):
    async def parts():
        try:
            for number in range(1000):
                yield f"{number}\n"
                await asyncio.sleep(0.005)
        finally:
            NOTED.append("closed")

    return StreamingHttpResponse(parts())


def sync_stream(request):
    return StreamingHttpResponse(f"{number} " for number in range(3))


def echo(request):
    return HttpResponse(request.body)


def reads_late(request):
    NOTED.append("begun")
    time.sleep(0.2)
    try:
        NOTED.append(request.read())
    except ValueError as error:
        NOTED.append(error)
    return HttpResponse()


async def gives_up(request):
    async with asyncio.timeout(0.1):
        await sync_to_async(GATE.wait)(20)


def fails(request):
    raise ValueError("meant to")


async def fails_too(request):
    raise ValueError("meant to")


def sees(request):
    found = SEEN.get()
    SEEN.set("the sync view")
    return HttpResponse(found)


async def sees_too(request):
    found = SEEN.get()
    SEEN.set("the async view")
    return HttpResponse(found)


class Rendered(SimpleTemplateResponse):
    """Renders the id of its thread."""

    @property
    def rendered_content(self):
        return here()


async def renders(request):
    return Rendered("none")


def pauses(request):
    time.sleep(0.02)
    return HttpResponse(here())


urlpatterns = [
    path("sync/", sync_view),
    path("async/", async_view),
    path("several/", several_calls),
    path("gate/", waits_for_the_gate),
    path("awaits/", awaits),
    path("awaits-only/", awaits_only),
    path("awaits-a-moment/", awaits_a_moment),
    path("cancelled/", notes_cancellation),
    path("cancelled-slowly/", notes_cancellation_slowly),
    path("stubborn/", ignores_cancellation),
    path("timeout/", times_out),
    path("stream/", stream),
    path("sync-stream/", sync_stream),
    path("echo/", echo),
    path("reads-late/", reads_late),
    path("gives-up/", gives_up),
    path("fails/", fails),
    path("fails-too/", fails_too),
    path("sees/", sees),
    path("sees-too/", sees_too),
    path("renders/", renders),
    path("pauses/", pauses),
]

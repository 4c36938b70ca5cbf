"""Views of every kind, and one that counts what the process holds."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

CHUNK = b"x" * 1000


async def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def sleep_in_database(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


def sync(request: HttpRequest) -> HttpResponse:
    sleep_in_database(float(request.GET.get("s", 0)))
    return HttpResponse("sync")


async def mixed(request: HttpRequest) -> HttpResponse:
    await sync_to_async(sleep_in_database)(0)
    return HttpResponse(str(await Session.objects.acount()))


async def linger(request: HttpRequest) -> HttpResponse:
    # It keeps the thread that ran its sync code for longer than others like to wait for one.
    await sync_to_async(sleep_in_database)(0)
    await asyncio.sleep(0.3)
    await sync_to_async(sleep_in_database)(0)
    return HttpResponse("lingered")


async def session(request: HttpRequest) -> HttpResponse:
    await request.session.aset("seen", True)
    return HttpResponse((await request.auser()).get_username())


async def async_chunks() -> AsyncIterator[bytes]:
    for _ in range(20):
        yield CHUNK
        await asyncio.sleep(0)


async def endless_chunks() -> AsyncIterator[bytes]:
    while True:
        yield CHUNK
        await asyncio.sleep(0.001)


def sync_chunks() -> Iterator[bytes]:
    for _ in range(20):
        yield CHUNK


async def stream(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    chunks = {"async": async_chunks, "endless": endless_chunks, "sync": sync_chunks}
    return StreamingHttpResponse(chunks[kind]())


async def file(request: HttpRequest) -> FileResponse:
    return FileResponse(open(__file__, "rb"))  # noqa: PTH123 - the response closes


@csrf_exempt
def upload(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


async def wait(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(30)
    return HttpResponse("late")


async def error(request: HttpRequest) -> HttpResponse:
    raise ValueError("on purpose")


async def fill(request: HttpRequest) -> HttpResponse:
    """Start all the threads that the loop's own executor ever has."""
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(None, time.sleep, 0.2) for _ in range(40)))
    return HttpResponse("filled")


async def counts(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "python threads": threading.active_count(),
            "threads": len(os.listdir("/proc/self/task")),  # noqa: PTH208
            "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
            "tasks": len(asyncio.all_tasks()),
        }
    )


urlpatterns = [
    path("hello/", hello),
    path("sync/", sync),
    path("mixed/", mixed),
    path("linger/", linger),
    path("session/", session),
    path("stream/<kind>/", stream),
    path("file/", file),
    path("upload/", upload),
    path("wait/", wait),
    path("error/", error),
    path("fill/", fill),
    path("counts/", counts),
]

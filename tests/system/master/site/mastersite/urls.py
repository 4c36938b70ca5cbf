import asyncio
import ctypes
import json
import os
import random
import time

from channels.layers import get_channel_layer
from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.urls import path

memory = []


def process(request):
    return JsonResponse({"pid": os.getpid(), "nice": os.nice(0), "random": random.random()})


def slow(request):
    time.sleep(float(request.GET["s"]))
    return HttpResponse(os.getpid())


async def awaited(request):
    await asyncio.sleep(float(request.GET["s"]))
    return HttpResponse(os.getpid())


async def cleaned_up(request):
    try:
        await asyncio.sleep(60)
    finally:
        (settings.DIRECTORY / "cleaned-up").touch()


async def block_the_loop(request):
    # In C code that keeps the interpreter's lock, so that no handler of Python runs.
    ctypes.PyDLL(None).sleep(int(request.GET["s"]))
    return HttpResponse("late")


async def catch_everything(request):
    try:
        time.sleep(float(request.GET["s"]))
    except BaseException:  # noqa: BLE001 - also SystemExit
        return HttpResponse("caught")
    return HttpResponse("late")


def grow(request):
    memory.append(bytearray(int(request.GET["mb"]) * 2**20))
    return HttpResponse(os.getpid())


async def channel(request):
    return HttpResponse(await get_channel_layer().new_channel())


async def note(request):
    message = {"text": request.GET["text"], "s": float(request.GET.get("s", 0))}
    await get_channel_layer().send("notes", {"type": "note", **message})
    return HttpResponse("sent")


def environment(request):
    return HttpResponse(json.dumps(dict(os.environ)))


urlpatterns = [
    path("process", process),
    path("slow", slow),
    path("awaited", awaited),
    path("cleaned-up", cleaned_up),
    path("block", block_the_loop),
    path("catch", catch_everything),
    path("grow", grow),
    path("channel", channel),
    path("note", note),
    path("environment", environment),
]

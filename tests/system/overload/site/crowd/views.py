import os
import threading
import time

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpResponse, JsonResponse


def sleep(request):
    time.sleep(float(request.GET["s"]))
    return HttpResponse("slept")


def burn(request):
    until = time.thread_time() + float(request.GET["s"])
    while time.thread_time() < until:
        pass
    return HttpResponse("burnt")


def done(request):
    """Do what a POST does once: a line in a file, which is written whole by every process."""
    if request.method == "POST":
        line = f"{request.GET['key']} {len(request.body)}\n"
        with (settings.BASE_DIR / "done").open("a") as file:
            file.write(line)
        time.sleep(float(request.GET.get("s", 0)))
    return HttpResponse(os.getpid())


def length(request):
    return HttpResponse(len(request.body))


def large(request):
    return HttpResponse(bytes(int(request.GET["bytes"])))


async def large_on_asgi(request):
    await sync_to_async(time.sleep)(0)
    return HttpResponse(bytes(int(request.GET["bytes"])))


async def threads(request):
    return JsonResponse({"threads": threading.active_count()})

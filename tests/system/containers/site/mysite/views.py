"""What the tests look at from inside the container."""

import asyncio
import os
import time
from pathlib import Path

from django.http import HttpResponse, JsonResponse

# A volume of the tests' own, which outlives the container.
BEGUN = Path("/data/begun")
WORK_S = 0.3


def who(request, _=""):
    """Return who serves this, and where it may write."""
    writable = [each for each in ("/app", "/tmp", "/run") if os.access(each, os.W_OK)]
    home = os.environ.get("HOME")
    return JsonResponse({"ids": [os.getuid(), os.getgid()], "home": home, "writable": writable})


def work(request, key):
    """Record that the request has begun, and take a while on WSGI."""
    record(key)
    time.sleep(WORK_S)
    return HttpResponse(key)


async def wait(request, key):
    """The same on ASGI."""
    record(key)
    await asyncio.sleep(WORK_S)
    return HttpResponse(key)


def record(key):
    with BEGUN.open("a") as file:
        file.write(f"{key}\n")


def orphan(request):
    """Leave a process whose parent has ended, and which ends at once itself."""
    child = os.fork()
    if child == 0:
        grandchild = os.fork()
        if grandchild == 0:
            time.sleep(0.1)
        os._exit(0)
    os.waitpid(child, 0)
    return HttpResponse()


def eat(request):
    """Take memory until the kernel ends this process."""
    eaten = []
    while True:
        eaten.append(bytearray(b"x") * 2**22)

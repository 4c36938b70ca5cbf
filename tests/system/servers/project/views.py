import asyncio
import base64
import hashlib
import logging
import os
import threading
import time
import zlib
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import get_script_prefix

from django_tandem.request_id import get_request_id


def plain(request):
    return HttpResponse("plain", content_type="text/plain")


def file(request):
    return FileResponse(Path(__file__).open("rb"))


def logs(request):
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        logging.getLogger(__name__).exception("it failed")
    return HttpResponse(get_request_id(), content_type="text/plain")


def slow(request):
    # One byte for each of them: a short append is atomic.
    with (settings.DATABASES["default"]["NAME"].parent / "slow").open("ab") as taken:
        taken.write(b".")
    time.sleep(float(request.GET["s"]))
    return HttpResponse("slow", content_type="text/plain")


def upload(request):
    digest = hashlib.sha256(request.body).hexdigest()
    return JsonResponse({"length": len(request.body), "sha256": digest})


async def awaited(request):
    await asyncio.sleep(0.01)
    return HttpResponse("awaited", content_type="text/plain")


async def events(request):
    async def two():
        yield b"data: 1\n\n"
        await asyncio.sleep(0.01)
        yield b"data: 2\n\n"

    return StreamingHttpResponse(two(), content_type="text/event-stream")


def process(request):
    time.sleep(0.02)
    return JsonResponse({"pid": os.getpid()})


def media_url(request):
    return HttpResponse(settings.MEDIA_URL)


def threads(request):
    return JsonResponse([thread.name for thread in threading.enumerate()], safe=False)


def connection_of_process(request):
    before = connection.connection is not None
    return HttpResponse("inherited" if before else "opened by this process")


def dump(request):
    """Return all that a view sees of a request, as far as JSON can represent it."""
    seen = {
        "META": {key: shown(value) for key, value in request.META.items()},
        "method": request.method,
        "path": request.path,
        "path_info": request.path_info,
        "full_path": request.get_full_path(),
        "absolute_uri": request.build_absolute_uri(),
        "host": request.get_host(),
        "port": request.get_port(),
        "scheme": request.scheme,
        "is_secure": request.is_secure(),
        "GET": list(request.GET.lists()),
        "POST": list(request.POST.lists()),
        "COOKIES": request.COOKIES,
        "content_type": request.content_type,
        "content_params": request.content_params,
        "encoding": request.encoding,
        "prefix": get_script_prefix(),
        "body": hashlib.sha256(request.body).hexdigest(),
    }
    response = JsonResponse(seen)
    if request.method == "HEAD":
        # The body does not arrive, and NGINX takes 4 kB of headers.
        packed = zlib.compress(response.content)
        response["X-Seen"] = base64.b64encode(packed).decode()
    return response


def shown(value):
    return value if isinstance(value, str | int | bool | None) else f"<{type(value).__name__}>"

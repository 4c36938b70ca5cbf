import asyncio
import io
import time

from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse


def describe(request):
    """Return what the view sees of the request."""
    return JsonResponse(
        {
            "served_by": type(request).__name__,
            "path": request.path,
            "client": request.META["REMOTE_ADDR"],
            "scheme": request.scheme,
            "is_secure": request.is_secure(),
            "host": request.get_host(),
            "port": request.get_port(),
            "script_name": request.META["SCRIPT_NAME"],
            "absolute": request.build_absolute_uri(),
            "headers": dict(request.headers),
        }
    )


async def describe_async(request, **_):
    return describe(request)


def describe_sync(request, **_):
    return describe(request)


def big_headers(request):
    """As many headers of 1,000 octets as are asked for, and one of the size asked for."""
    response = HttpResponse("big", headers={"X-Long": "x" * int(request.GET.get("long", 0))})
    for number in range(int(request.GET.get("count", 0))):
        response.set_cookie(f"c{number}", "x" * 1000)
    return response


async def big_headers_async(request):
    return big_headers(request)


def accel(request, name):
    """A file that NGINX sends after the view has decided."""
    return HttpResponse(headers={"X-Accel-Redirect": f"/protected/{name}", "Content-Type": ""})


async def accel_async(request, name):
    return accel(request, name)


def download(request):
    """As many megabytes as are asked for."""
    return FileResponse(io.BytesIO(bytes(int(request.GET["mb"]) << 20)))


def length(request):
    return HttpResponse(len(request.body))


async def length_async(request):
    return length(request)


async def events(request):
    """One event each 100 ms, ten of them."""

    async def ten():
        for number in range(10):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.1)

    return StreamingHttpResponse(ten(), content_type="text/event-stream")


async def thousand(request):
    """A thousand events, as quickly as they are taken."""

    async def all_of_them():
        for number in range(1000):
            yield f"id: {number}\ndata: {number}\n\n"
            await asyncio.sleep(0)

    return StreamingHttpResponse(all_of_them(), content_type="text/event-stream")


def slow(request):
    time.sleep(float(request.GET["s"]))
    return HttpResponse("slow")


def late(request):
    return HttpResponse("of a view")

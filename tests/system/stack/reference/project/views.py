import asyncio
import os
import threading

from adrf.decorators import api_view as async_api_view
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.decorators import api_view
from rest_framework.response import Response


def describe(request):
    """Return what the edge and the server passed of the request, and the process that got it."""
    return JsonResponse(
        {
            "path": request.path,
            "served_by": type(request).__name__,
            "application": request.META.get("project.application"),
            "protocol": request.META.get("SERVER_PROTOCOL"),
            "http_version": getattr(request, "scope", {}).get("http_version"),
            "pid": os.getpid(),
            "thread": threading.current_thread().name,
            "ppid": os.getppid(),
            "headers": dict(request.headers),
        }
    )


@csrf_exempt
def length(request):
    size = 0
    while piece := request.read(1024 * 1024):
        size += len(piece)
    return HttpResponse(size)


def moved(request):
    return HttpResponseRedirect("http://tandem_asgi/elsewhere/")


def printed(request):
    print(f"printed {request.GET['text']}")
    return HttpResponse()


def later(request):
    message = {"type": "work", "text": request.GET["text"]}
    async_to_sync(get_channel_layer().send)("channels", message)
    return HttpResponse()


@api_view()
def rest(request):
    return Response({"served_by": type(request._request).__name__})


@async_api_view()
async def async_rest(request):
    await asyncio.sleep(0.01)
    return Response({"served_by": type(request._request).__name__})

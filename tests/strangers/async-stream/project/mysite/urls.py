import asyncio
import itertools

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path


def index(request):
    return HttpResponse(type(request).__name__)


async def awaited(request):
    return HttpResponse(type(request).__name__)


async def events(request):
    async def numbers():
        for number in itertools.count():
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.3)

    return StreamingHttpResponse(numbers(), content_type="text/event-stream")


urlpatterns = [path("", index), path("async/", awaited), path("events/", events)]

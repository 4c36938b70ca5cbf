"""The project that is instrumented."""

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path


def sync_view(request):
    return HttpResponse("sync")


async def async_view(request):
    return HttpResponse("async")


def fails(request):
    raise LookupError("as an example")


async def fails_too(request):
    raise LookupError("as an example")


def stream(request):
    return StreamingHttpResponse(iter([b"a", b"b"]))


def own_middleware(get_response):
    def middleware(request):
        response = get_response(request)
        response["X-Own"] = "yes"
        return response

    return middleware


urlpatterns = [
    path("sync/", sync_view),
    path("async/", async_view),
    path("fails/", fails),
    path("fails-too/", fails_too),
    path("stream/", stream),
]


class KeepingTransport:
    """Elastic's transport, which sends nothing here."""

    start_stop_order = 0

    def __init__(self, client, *args, **kwargs):
        self.client = client

    def stop_thread(self):
        return None

    def start_thread(self, pid=None):
        return None

    def queue(self, event_type, data, flush=False):
        from handler.instrumented import RECORDED

        if event_type in ("transaction", "span", "error"):
            name = data.get("name") or data.get("culprit")
            RECORDED.append(f"{event_type} {data.get('type', '')} {name}")

    def close(self):
        return None

    def flush(self):
        return None

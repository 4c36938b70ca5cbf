"""A project on both stacks, with a WebSocket, whose views return the span that they run in."""

from pathlib import Path

from harness.projects import startproject

URLS = """
import os

from django.http import JsonResponse
from django.urls import include, path, register_converter
from django_tandem.marks import on_asgi
from opentelemetry import trace
from prometheus_client import Counter, Gauge

ANSWERS = Counter("shop_answers", "Answers by request class.", ["kind"])
WORKERS = Gauge("shop_workers", "Workers that have answered.", multiprocess_mode="livesum")


class Even:
    regex = "[0-9]+"

    def to_python(self, value):
        if int(value) % 2:
            raise ValueError
        return int(value)

    def to_url(self, value):
        return str(value)


register_converter(Even, "even")


def describe(request):
    context = trace.get_current_span().get_span_context()
    ANSWERS.labels(type(request).__name__).inc()
    WORKERS.set(1)
    return JsonResponse({
        "kind": type(request).__name__,
        "pid": os.getpid(),
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
    })


def sync(request, number):
    return describe(request)


async def coroutine(request, number):
    return describe(request)


@on_asgi
def sync_on_asgi(request):
    return describe(request)


def fails(request):
    raise ValueError("of the sync view")


async def fails_on_asgi(request):
    raise ValueError("of the async view")


urlpatterns = [
    path("sync/<int:number>/", sync),
    path("async/<int:number>/", coroutine),
    path("sync-on-asgi/", sync_on_asgi),
    # The edge can't know which of these matches.
    path("numbers/<even:number>/", coroutine),
    path("numbers/<int:number>/", sync),
    path("own/", include("django_prometheus.urls")),
    path("fails/", fails),
    path("fails-on-asgi/", fails_on_asgi),
]
"""

ASGI = """
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
http = get_asgi_application()


async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await echo(receive, send)
    else:
        await http(scope, receive, send)
"""

SETTINGS = """
import os

DEBUG = False
ALLOWED_HOSTS = ["*"]
ASGI_APPLICATION = "mysite.asgi.application"
TANDEM = {"WSGI": {"WORKERS": 2}, "ASGI": {"WORKERS": 1}, "STOP_S": 5}
INSTALLED_APPS += ["django_prometheus"]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    *MIDDLEWARE,
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
if "SENTRY_DSN" in os.environ:
    import sentry_sdk

    sentry_sdk.init(dsn=os.environ["SENTRY_DSN"], traces_sample_rate=1.0)
"""


def make(directory: Path) -> Path:
    """Make the project in a directory."""
    startproject(directory)
    (directory / "mysite" / "urls.py").write_text(URLS)
    (directory / "mysite" / "asgi.py").write_text(ASGI)
    with (directory / "mysite" / "settings.py").open("a") as file:
        file.write(SETTINGS)
    return directory

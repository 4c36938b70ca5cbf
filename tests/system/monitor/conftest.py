"""One stack with a monitor, which the tests of this directory share and leave serving."""

from collections.abc import Iterator

import pytest

from harness.projects import with_channels
from harness.stack import Up

VIEWS = """
import asyncio, time
from django.http import HttpResponseNotFound, StreamingHttpResponse


def sync(request, number):
    return HttpResponse("sync", status=201 if request.method == "POST" else 200)


def gone(request):
    return HttpResponseNotFound("gone")


def failing(request):
    raise RuntimeError


def sleeping(request, ms):
    time.sleep(ms / 1000)
    return HttpResponse("slept")


async def asynchronous(request):
    return HttpResponse("async")


async def waiting(request, ms):
    await asyncio.sleep(ms / 1000)
    return HttpResponse("waited")


async def events(request):
    async def parts():
        yield "data: 1\\n\\n"
        yield "data: 2\\n\\n"
    return StreamingHttpResponse(parts(), content_type="text/event-stream")


urlpatterns += [
    path("sync/<int:number>/", sync),
    path("gone/", gone),
    path("failing/", failing),
    path("sleeping/<int:ms>/", sleeping),
    path("async/", asynchronous),
    path("waiting/<int:ms>/", waiting),
    path("events/", events),
    # The edge sends such a path to WSGI, which hands it over.
    path("x/../handed/", asynchronous),
]
"""
SETTINGS = """
DEBUG = False
ALLOWED_HOSTS = ["*"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
LOGGING_CONFIG = None
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "collected"
TANDEM = {
    "WSGI": {"WORKERS": 2, "QUEUE": 8, "TIMEOUT_S": 1},
    "ASGI": {"WORKERS": 1},
    # An internal redirect, where the edge sends its own page for 503.
    "EDGE": {"ERROR_PAGES": {504: "late.html"}},
}
"""


@pytest.fixture(scope="package")
def up(tmp_path_factory) -> Iterator[Up]:
    directory = with_channels(tmp_path_factory.mktemp("counted"))
    for name, text in (("urls", VIEWS), ("settings", SETTINGS)):
        file = directory / "mysite" / f"{name}.py"
        file.write_text(file.read_text() + text)
    (directory / "late.html").write_text("late")
    (directory / "collected").mkdir()
    (directory / "collected" / "file.txt").write_text("a file")
    with Up(directory) as running:
        yield running

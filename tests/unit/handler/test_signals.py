"""request_started and request_finished: their receivers run where they may block."""

import threading

import pytest
from django.core import signals
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from django_tandem.handler.application import DjangoApplication
from handler.client import request_once, thread_switches

CLOSED = []


class ClosingCache(LocMemCache):
    """A cache with something to close."""

    def close(self, **kwargs):
        CLOSED.append(threading.get_ident())


async def plain(request):
    return HttpResponse()


async def caching(request):
    await cache.aset("key", "value")
    return HttpResponse()


async def with_resource(request):
    response = HttpResponse()
    response._resource_closers.append(lambda: CLOSED.append(threading.get_ident()))
    return response


class Parts:
    def __aiter__(self):
        return self

    async def __anext__(self):
        raise StopAsyncIteration

    def close(self):
        CLOSED.append(threading.get_ident())


async def stream(request):
    return StreamingHttpResponse(Parts())


urlpatterns = [
    path("", plain),
    path("cache/", caching),
    path("resource/", with_resource),
    path("stream/", stream),
]


@pytest.fixture(autouse=True)
def nothing_closed():
    CLOSED.clear()


@pytest.fixture
def connect():
    """Return a function that connects a receiver for the test."""
    connected = []

    def each(signal, receiver):
        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    yield each
    for signal, receiver in connected:
        signal.disconnect(receiver)


@pytest.mark.parametrize("signal", [signals.request_started, signals.request_finished])
def test_a_receiver_of_the_project_runs_on_a_thread(serve, connect, signal):
    """It may block; the sender is the application's class."""
    application = serve(__name__)
    seen = []
    connect(signal, lambda sender, **_: seen.append((sender, threading.get_ident())))

    assert thread_switches(application) == 1
    assert [sender for sender, _ in seen] == [DjangoApplication] * 2
    assert threading.get_ident() not in {thread for _, thread in seen}


def test_an_async_receiver_of_request_started_is_awaited_on_the_loop(serve, connect):
    """It needs no thread."""
    application = serve(__name__)
    seen = []

    async def receiver(sender, scope, **_):
        seen.append((scope["path"], threading.get_ident()))

    connect(signals.request_started, receiver)

    assert thread_switches(application) == 0
    assert seen == [("/", threading.get_ident())] * 2


def test_an_async_receiver_of_request_finished_is_awaited(serve, connect):
    """As in Django: from where the response is closed."""
    application = serve(__name__)
    seen = []

    async def receiver(**_):
        seen.append(threading.get_ident())

    connect(signals.request_finished, receiver)
    request_once(application)

    assert seen == [threading.get_ident()]


def test_a_cache_with_a_close_method_is_closed(serve):
    """On the thread, since it may wait for a server; any other takes no thread."""
    path = f"{__name__}.ClosingCache"
    closing = serve(__name__, CACHES={"default": {"BACKEND": path}})
    request_once(closing, "/cache/")
    assert len(CLOSED) == 1
    assert threading.get_ident() not in CLOSED

    local = serve(
        __name__, CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    )
    assert type(caches["default"]).__name__ == "LocMemCache"
    assert thread_switches(local, "/") == 0


@pytest.mark.parametrize("path", ["/resource/", "/stream/"])
def test_resources_of_a_response_are_closed_on_the_thread(serve, path):
    """They are the project's, and may block."""
    application = serve(__name__)

    assert thread_switches(application, path) == 1
    assert len(CLOSED) == 2
    assert threading.get_ident() not in CLOSED

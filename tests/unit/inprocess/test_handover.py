"""A request that is handed over leaves the process to the others."""

import asyncio

from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path
from inprocess.calling import http
from inprocess.connections import Open, Unpaced

from django_tandem.inprocess.handover import (
    LOCATIONS,
    PASSAGE,
    AsgiHandover,
    Passage,
    WsgiHandover,
    install,
)
from django_tandem.inprocess.proxy_headers import EDGE_HEADER
from django_tandem.model import Stack


def test_a_body_that_is_dropped_does_not_block_the_loop(monkeypatch):
    """The view can be cancelled, however fast it sends."""
    monkeypatch.setenv("TANDEM_HANDOVER", "1")
    redirect = [(b"x-accel-redirect", LOCATIONS[Stack.WSGI].encode())]
    view = Unpaced(
        {"type": "http.response.start", "status": 204, "headers": redirect},
        {"type": "http.response.body", "body": b"x", "more_body": True},
    )
    scope = http(headers=[(EDGE_HEADER.encode(), b"192.0.2.1")])

    async def run():
        opened = Open(AsgiHandover(view, None), scope, {"type": "http.request", "body": b""})
        await opened.until_sent("body")
        opened.task.cancel()
        await asyncio.wait([opened.task])
        return opened.task.cancelled(), opened.sent[1:]

    assert asyncio.run(run()) == (True, [{"type": "http.response.body", "body": b""}])


def test_a_stream_is_not_iterated_for_head():
    """It may have no end; it is closed, as its response is."""
    steps, started = [], []

    class Body:
        def __iter__(self):
            steps.append("iterated")
            yield b"part"

        def close(self):
            steps.append("closed")

    def streams(environ, start_response):
        environ[PASSAGE].is_stream = True
        start_response("200 OK", [("Content-Type", "application/x-ndjson")])
        return Body()

    environ = {"REQUEST_METHOD": "HEAD", "PATH_INFO": "/"}
    body = WsgiHandover(streams, (), None)(environ, lambda *start: started.append(start))

    assert list(body) == []
    assert steps == ["closed"]
    assert started == [("200 OK", [("Content-Type", "application/x-ndjson")])]


def test_a_second_installation_keeps_the_passage(monkeypatch):
    """Sentry wraps the function of Django that the first one has replaced, without its mark."""
    monkeypatch.setattr(BaseHandler, "load_middleware", BaseHandler.load_middleware)
    install(())
    installed = BaseHandler.load_middleware

    def load_middleware(handler, is_async=False):
        installed(handler, is_async=is_async)

    monkeypatch.setattr(BaseHandler, "load_middleware", load_middleware)
    install(())
    passage = Passage(may_leave=False)
    urlpatterns = (path("lots/<int:number>/", lambda request, number: HttpResponse()),)
    with override_settings(ROOT_URLCONF=urlpatterns, MIDDLEWARE=[], ALLOWED_HOSTS=["*"]):
        environ = {**RequestFactory().get("/lots/7/").environ, PASSAGE: passage}
        WSGIHandler()(environ, lambda *_: None)

    assert passage.match.route == "lots/<int:number>/"

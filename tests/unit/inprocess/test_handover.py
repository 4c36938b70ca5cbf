"""A request that is handed over leaves the process to the others."""

import asyncio

from inprocess.calling import http
from inprocess.connections import Open, Unpaced

from django_tandem.inprocess.handover import (
    AsgiHandover,
    WsgiHandover,
)
from django_tandem.inprocess.proxy_headers import EDGE_HEADER
from django_tandem.inprocess.routed_request import LOCATIONS, ROUTED_REQUEST
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
        environ[ROUTED_REQUEST].is_stream = True
        start_response("200 OK", [("Content-Type", "application/x-ndjson")])
        return Body()

    environ = {"REQUEST_METHOD": "HEAD", "PATH_INFO": "/"}
    body = WsgiHandover(streams, (), None)(environ, lambda *start: started.append(start))

    assert list(body) == []
    assert started == [("200 OK", [("Content-Type", "application/x-ndjson")])]
    body.close()
    assert steps == ["closed"]


def test_a_body_is_not_sent_for_head():
    """Django makes it; the response keeps its length, and is closed by the server at its end."""
    length, closed = [("Content-Length", "5")], []

    class Body(list):
        def close(self):
            closed.append(True)

    def plain(environ, start_response):
        start_response("200 OK", length)
        return Body([b"plain"])

    started = []
    environ = {"REQUEST_METHOD": "HEAD", "PATH_INFO": "/"}
    body = WsgiHandover(plain, (), None)(environ, lambda *start: started.append(start))

    assert (list(body), closed, started) == ([], [], [("200 OK", length)])
    body.close()
    assert closed == [True]


def test_an_application_that_starts_late_is_iterated_for_head():
    """Its headers are known only once its body is iterated."""

    def late(environ, start_response):
        start_response("200 OK", [("Content-Length", "4")])
        yield b"late"

    started = []
    environ = {"REQUEST_METHOD": "HEAD", "PATH_INFO": "/"}
    body = WsgiHandover(late, (), None)(environ, lambda *start: started.append(start))

    assert (list(body), started) == ([b"late"], [("200 OK", [("Content-Length", "4")])])

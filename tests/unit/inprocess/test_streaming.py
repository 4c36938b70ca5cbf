"""The edge is told not to hold back an event stream."""

import pytest
from inprocess.calling import call, http, websocket

from django_tandem.inprocess.streaming import UnbufferedStreams


def answering(*headers):
    async def project(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})

    return project


def headers_of(*headers):
    (start,) = call(UnbufferedStreams(answering(*headers)), http())
    return start["headers"]


@pytest.mark.parametrize("kind", [b"text/event-stream", b"Text/Event-Stream; charset=utf-8"])
def test_an_event_stream_is_marked(kind):
    """However the type is written."""
    assert headers_of((b"Content-Type", kind))[1:] == [(b"x-accel-buffering", b"no")]


def test_another_response_is_not():
    """The edge may well gather a page."""
    assert headers_of((b"content-type", b"text/html")) == [(b"content-type", b"text/html")]


def test_the_projects_own_word_stands():
    """A view that wants its events gathered has said so."""
    said = [(b"content-type", b"text/event-stream"), (b"X-Accel-Buffering", b"yes")]

    assert headers_of(*said) == said


def test_a_websocket_is_left_alone():
    """It has no response to mark."""

    async def project(_scope, _receive, send):
        await send({"type": "websocket.accept"})

    assert call(UnbufferedStreams(project), websocket()) == [{"type": "websocket.accept"}]

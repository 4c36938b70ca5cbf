"""Which responses are streams, and how the edge is to treat them."""

import pytest

from django_tandem.inprocess.streaming import (
    TimeLimitedBody,
    has_length,
    is_event_stream,
    is_live_stream,
    without_buffering,
)

EVENTS = ("Content-Type", "Text/Event-Stream; charset=utf-8")


def test_the_edge_buffers_no_stream() -> None:
    """It would hold the parts back until a buffer is full."""
    assert without_buffering([EVENTS]) == [("X-Accel-Buffering", "no")]


def test_the_projects_own_header_wins() -> None:
    """A project may want a large export buffered, so that a slow client holds no worker."""
    assert without_buffering([EVENTS, ("x-accel-buffering", "yes")]) == []


def test_a_response_with_a_length_is_a_file() -> None:
    """The edge reads it whole."""
    assert has_length([("content-length", "5")])
    assert not has_length([EVENTS])


@pytest.mark.parametrize(
    ("content_type", "lasts"),
    [
        ("text/event-stream", True),
        ("multipart/x-mixed-replace; boundary=x", True),
        ("application/x-ndjson", False),
        ("text/csv", False),
    ],
)
def test_an_event_stream_lasts_as_long_as_its_client(content_type, lasts) -> None:
    """Other streams have an end, and are served well by a WSGI worker."""
    assert is_event_stream([("Content-Type", content_type)]) is lasts


def test_a_file_is_no_live_stream() -> None:
    """Its client must get it whole, also at a reload."""
    live = (b"Content-Type", b"application/x-ndjson")

    assert is_live_stream([live])
    assert not is_live_stream([live, (b"content-disposition", b"attachment")])


def test_the_projects_body_is_closed() -> None:
    """So its generator ends, and its resources are released."""
    closed = []

    class Body(list):
        def close(self):
            closed.append(True)

    stream = TimeLimitedBody(Body([b"a", b"b"]))

    assert list(stream) == [b"a", b"b"]
    stream.close()
    assert closed == [True]

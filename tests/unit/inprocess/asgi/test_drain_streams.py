"""An event stream of a generation that is replaced ends cleanly; other responses just finish."""

import asyncio

import pytest
from inprocess.asgi.calling import call, http
from inprocess.asgi.open import Open, open_stream

from django_tandem.inprocess import draining
from django_tandem.inprocess.asgi.drain import Drain
from django_tandem.inprocess.asgi.watch import Watch, moments

pytestmark = pytest.mark.usefixtures("looks")

END = {"type": "http.response.body", "body": b"", "more_body": False}
EVENTS = (b"Content-Type", b"text/event-stream; charset=utf-8")


class Streaming:
    """A response that goes on until it is let finish, or its client has gone."""

    def __init__(self, *headers):
        self.headers = headers
        self.is_let = asyncio.Event()
        self.was_told = False

    async def __call__(self, scope, receive, send):
        await receive()
        start = {"type": "http.response.start", "status": 200, "headers": list(self.headers)}
        await send(start)
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        gone, let = asyncio.ensure_future(receive()), asyncio.ensure_future(self.is_let.wait())
        await asyncio.wait([gone, let], return_when=asyncio.FIRST_COMPLETED)
        self.was_told = gone.done() and gone.result() == {"type": "http.disconnect"}
        gone.cancel()
        await send({"type": "http.response.body", "body": b"last"})


def drain_of(application, run_dir):
    return Drain(application, Watch(run_dir, 7))


def test_it_ends_as_a_body_ends(tmp_path):
    """The view is told that its client has gone, and what it sends then goes nowhere."""
    view = Streaming(EVENTS)

    async def run():
        opened = await open_stream(drain_of(view, tmp_path))
        draining.announce(tmp_path, 7, 0.2)
        await opened.ended()
        return opened.sent[2:]

    assert asyncio.run(run()) == [END]
    assert view.was_told


@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        ({}, [(b"content-type", b"text/html")]),
        ({}, [EVENTS, (b"Content-Length", b"5")]),
        ({}, [(b"content-type", b"application/x-ndjson"), (b"Content-Disposition", b"attachment")]),
        ({"method": "POST"}, [EVENTS]),
    ],
    ids=["page", "of known length", "file", "answer to a POST"],
)
def test_what_nobody_asks_for_again_is_left_to_finish(tmp_path, changes, headers):
    """It would look complete, and not be."""
    view = Streaming(*headers)

    async def run():
        watch = Watch(tmp_path, 7)
        opened = await open_stream(Drain(view, watch), **changes)
        other = await open_stream(Drain(Streaming(EVENTS), watch))
        draining.announce(tmp_path, 7, 0)
        await other.ended()
        view.is_let.set()
        await opened.ended()
        return opened.sent[-1]["body"]

    assert asyncio.run(run()) == b"last"
    assert not view.was_told


def test_a_stream_that_ended_by_itself_is_not_ended_again(tmp_path):
    """One end is enough."""
    view = Streaming(EVENTS)

    async def run():
        opened = await open_stream(drain_of(view, tmp_path))
        view.is_let.set()
        await opened.ended()
        draining.announce(tmp_path, 7, 0)
        other = await open_stream(drain_of(Streaming(EVENTS), tmp_path))
        await other.ended()
        return [message.get("body") for message in opened.sent]

    assert asyncio.run(run()) == [None, b"x", b"last"]


def test_a_view_that_does_not_listen_is_cancelled(tmp_path):
    """The server's own task is not."""

    async def deaf(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [EVENTS]})
        while True:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0.01)

    async def run():
        opened = await open_stream(drain_of(deaf, tmp_path))
        draining.announce(tmp_path, 7, 0)
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == END


def test_the_shutdown_waits_for_those_that_were_told(tmp_path, monkeypatch):
    """A server may shut down when its connections are closed, and its consumers still at work."""
    monkeypatch.setattr("django_tandem.inprocess.asgi.watch.LEAST_S", 5)
    done = []

    async def slow_to_leave(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            done.append("shutdown")
            return
        await Streaming(EVENTS)(scope, receive, send)
        await asyncio.sleep(0.3)
        done.append("stream")

    async def run():
        drain = drain_of(slow_to_leave, tmp_path)
        opened = await open_stream(drain)
        draining.announce(tmp_path, 7, 0)
        await opened.until(lambda: opened.sent[-1] == END)
        await Open(drain, {"type": "lifespan"}, {"type": "lifespan.shutdown"}).ended()

    asyncio.run(run())
    assert done == ["stream", "shutdown"]


def test_a_request_is_passed_on_as_it_is(tmp_path):
    """The layer adds nothing to it."""

    async def project(scope, receive, send):
        await send({"type": "seen", "scope": scope, "received": await receive()})

    scope, body = http(), {"type": "http.request", "body": b"x"}

    assert call(drain_of(project, tmp_path), scope, body) == [
        {"type": "seen", "scope": scope, "received": body}
    ]


def test_moments_are_spread_in_no_order():
    """One in each slice, and never two at once."""
    drawn = list(moments(20))

    assert [int(moment * 20) for moment in sorted(drawn)] == list(range(20))
    assert drawn != sorted(drawn)

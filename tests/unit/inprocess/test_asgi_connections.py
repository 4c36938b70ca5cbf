"""An event stream of a replaced generation ends gracefully; other responses finish."""

import asyncio

import pytest
from inprocess.calling import call, http
from inprocess.connections import Open, Slow, Unpaced, open_stream

from django_tandem.inprocess import drain_window
from django_tandem.inprocess.admission import Admission
from django_tandem.inprocess.asgi_connections import AsgiConnections
from django_tandem.inprocess.asgi_layers import AsgiLifespan
from django_tandem.inprocess.open_connections import OpenConnections, spread
from django_tandem.model import ConnectionLimits, DrainMode

pytestmark = pytest.mark.usefixtures("polls")

END = {"type": "http.response.body", "body": b"", "more_body": False}
EVENTS = (b"Content-Type", b"text/event-stream; charset=utf-8")


class Streaming:
    """A response that continues until it may finish, or until a disconnect."""

    def __init__(self, *headers):
        self.headers = headers
        self.is_let = asyncio.Event()
        self.has_disconnected = False

    async def __call__(self, scope, receive, send):
        await receive()
        start = {"type": "http.response.start", "status": 200, "headers": list(self.headers)}
        await send(start)
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        gone, let = asyncio.ensure_future(receive()), asyncio.ensure_future(self.is_let.wait())
        await asyncio.wait([gone, let], return_when=asyncio.FIRST_COMPLETED)
        self.has_disconnected = gone.done() and gone.result() == {"type": "http.disconnect"}
        gone.cancel()
        await send({"type": "http.response.body", "body": b"last"})


def drain_of(application, run_dir):
    return AsgiConnections(application, OpenConnections(run_dir, 7), Admission(ConnectionLimits()))


def test_a_drain_ends_its_body_and_disconnects_its_view(tmp_path):
    """What the view sends afterwards is dropped."""
    view = Streaming(EVENTS)

    async def run():
        opened = await open_stream(drain_of(view, tmp_path))
        drain_window.write(tmp_path, 7, 0.2)
        await opened.ended()
        return opened.sent[2:]

    assert asyncio.run(run()) == [END]
    assert view.has_disconnected


def test_a_stream_that_waits_may_end_by_itself(tmp_path):
    """Its last part arrives, and its view gets no disconnect."""
    view = Streaming(EVENTS)

    async def run():
        opened = await open_stream(drain_of(view, tmp_path))
        drain_window.write(tmp_path, 7, 2, DrainMode.WAIT)
        await asyncio.sleep(0.1)
        view.is_let.set()
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == {"type": "http.response.body", "body": b"last"}
    assert not view.has_disconnected


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
def test_a_response_that_no_client_repeats_finishes(tmp_path, changes, headers):
    """Cut short, it would look complete."""
    view = Streaming(*headers)

    async def run():
        connections = OpenConnections(tmp_path, 7)
        opened = await open_stream(
            AsgiConnections(view, connections, Admission(ConnectionLimits())), **changes
        )
        other = await open_stream(
            AsgiConnections(Streaming(EVENTS), connections, Admission(ConnectionLimits()))
        )
        drain_window.write(tmp_path, 7, 0)
        await other.ended()
        view.is_let.set()
        await opened.ended()
        return opened.sent[-1]["body"]

    assert asyncio.run(run()) == b"last"
    assert not view.has_disconnected


def test_a_finished_stream_is_not_ended_again(tmp_path):
    """Its body has one last part."""
    view = Streaming(EVENTS)

    async def run():
        opened = await open_stream(drain_of(view, tmp_path))
        view.is_let.set()
        await opened.ended()
        drain_window.write(tmp_path, 7, 0)
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
        drain_window.write(tmp_path, 7, 0)
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == END


def test_a_view_that_only_its_client_slows_down_does_not_block_the_loop(tmp_path):
    """After the end of its body it is slowed down still, and cancelled."""
    part = {"type": "http.response.body", "body": b"x", "more_body": True}
    start = {"type": "http.response.start", "status": 200, "headers": [EVENTS]}

    async def run():
        drain = drain_of(Unpaced(start, part), tmp_path)
        opened = await open_stream(drain, connection=Slow)
        drain_window.write(tmp_path, 7, 0)
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == END


def test_a_response_that_starts_after_its_view_has_returned_is_forgotten(tmp_path):
    """Otherwise the drain would wait for it, and be polled for, forever."""
    connections = OpenConnections(tmp_path, 7)

    async def run():
        senders = []

        async def view(_scope, _receive, send):
            senders.append(send)

        opened = Open(AsgiConnections(view, connections, Admission(ConnectionLimits())), http())
        await opened.ended()
        await senders[0]({"type": "http.response.start", "status": 200, "headers": [EVENTS]})

    asyncio.run(run())
    assert not connections.is_polling


def test_the_shutdown_waits_for_views_that_clean_up(tmp_path, monkeypatch):
    """A server may shut down although its consumers are still cleaning up."""
    monkeypatch.setattr("django_tandem.inprocess.open_connections.CLEAN_UP_S", 5)
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
        drain_window.write(tmp_path, 7, 0)
        await opened.until(lambda: opened.sent[-1] == END)
        ending = AsgiLifespan(drain, before_shutdown=drain.connections.wait_for_clean_up)
        await Open(ending, {"type": "lifespan"}, {"type": "lifespan.shutdown"}).ended()

    asyncio.run(run())
    assert done == ["stream", "shutdown"]


def test_a_request_is_passed_on_unchanged(tmp_path):
    """The layer adds nothing to it."""

    async def project(scope, receive, send):
        await send({"type": "seen", "scope": scope, "received": await receive()})

    scope, body = http(), {"type": "http.request", "body": b"x"}

    assert call(drain_of(project, tmp_path), scope, body) == [
        {"type": "seen", "scope": scope, "received": body}
    ]


def test_the_moments_are_spread_in_random_order():
    """One in each slice, and never two at once."""
    drawn = list(spread(20))

    assert [int(moment * 20) for moment in sorted(drawn)] == list(range(20))
    assert drawn != sorted(drawn)

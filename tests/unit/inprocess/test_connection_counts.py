"""WebSockets and event streams are counted by route, by code and by outcome."""

import asyncio

import pytest
from inprocess.calling import http, websocket
from inprocess.connections import Open, open_socket, open_stream

from django_tandem.inprocess import drain_window
from django_tandem.inprocess.admission import Admission
from django_tandem.inprocess.asgi_connections import AsgiConnections
from django_tandem.inprocess.connection_counts import ROUTE, ConnectionCounts
from django_tandem.inprocess.open_connections import OpenConnections
from django_tandem.inprocess.scoreboard import REQUEST, Scoreboard
from django_tandem.model import ConnectionLimits

pytestmark = pytest.mark.usefixtures("polls")

EVENTS = [(b"content-type", b"text/event-stream")]
CHAT = {ROUTE: "/ws/<room>/"}


def drain_of(application, run_dir, **limits):
    """Return the application in a drain, and its counts."""
    counts = ConnectionCounts()
    admission = Admission(ConnectionLimits(**limits))
    return AsgiConnections(application, OpenConnections(run_dir, 7), admission, counts), counts


async def consumer(scope, receive, send):
    """Echo the messages until one of them is "close", "return" or "fail"."""
    assert ROUTE not in scope
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        if message["text"] == "close":
            await send({"type": "websocket.close", "code": 4000})
        elif message["text"] == "return":
            return
        elif message["text"] == "fail":
            raise ValueError("It fails.")
        await send({"type": "websocket.send", "text": message["text"]})


def disconnect(opened):
    opened.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})


def receive(text):
    return lambda opened: opened.incoming.put_nowait({"type": "websocket.receive", "text": text})


@pytest.mark.parametrize(
    ("end", "code"),
    [(disconnect, 1001), (receive("close"), 4000), (receive("return"), 1006)],
    ids=["client", "consumer", "no close"],
)
def test_a_websocket_is_open_on_its_route_until_either_side_ends_it(tmp_path, end, code):
    """It is counted once, by the code of its close."""
    served, counts = drain_of(consumer, tmp_path)

    async def run():
        opened = await open_socket(served, **CHAT)
        receive("hello")(opened)
        await opened.until_sent("send")
        during = counts.details()["websockets"]
        end(opened)
        if code == 4000:
            await opened.until_sent("close")
            disconnect(opened)
        await opened.ended()
        return during

    assert asyncio.run(run()) == {"/ws/<room>/": 1}
    assert counts.details()["websockets"] == {}
    assert counts.closes == {str(code): 1}
    assert counts.received == (1 if end is disconnect else 2)


def test_a_websocket_that_drains_is_closed_with_its_code(tmp_path):
    """Although the server disconnects it with a code too."""
    served, counts = drain_of(consumer, tmp_path)

    async def run():
        opened = await open_socket(served, **CHAT)
        drain_window.write(tmp_path, 7, 0.1)
        await opened.ended()

    asyncio.run(run())

    assert (counts.closes, counts.details()["websockets"]) == ({"1012": 1}, {})


def test_a_handshake_that_is_denied_has_no_close(tmp_path):
    """It was never open."""

    async def denying(scope, receive, send):
        await receive()
        await send({"type": "websocket.close", "code": 4001})

    served, counts = drain_of(denying, tmp_path)

    async def run():
        opened = Open(served, websocket(**CHAT), {"type": "websocket.connect"})
        await opened.ended()

    asyncio.run(run())

    assert (counts.closes, counts.details()["websockets"]) == ({}, {})


class Streaming:
    """An event stream that lasts until it may end, or until its client disconnects."""

    def __init__(self):
        self.may_end = asyncio.Event()
        self.fails = False

    async def __call__(self, scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        gone, let = asyncio.ensure_future(receive()), asyncio.ensure_future(self.may_end.wait())
        await asyncio.wait([gone, let], return_when=asyncio.FIRST_COMPLETED)
        if self.fails:
            raise ValueError("It fails.")
        if let.done():
            await send({"type": "http.response.body", "body": b"last"})


@pytest.mark.parametrize("outcome", ["finished", "failed", "left", "drained"])
def test_a_stream_is_open_on_its_route_until_it_ends(tmp_path, outcome):
    """Then it is counted by how it ended, and it is no request in progress all the while."""
    view = Streaming()
    served, counts = drain_of(view, tmp_path)
    board = Scoreboard(tmp_path, "asgi", 7, dict)

    async def run():
        request = board.begin("GET", "/events/", "")
        request.note_route("/events/")
        opened = await open_stream(served, **{REQUEST: request})
        during = counts.details()["streams"], request.is_long, len(board.active)
        if outcome == "left":
            opened.incoming.put_nowait({"type": "http.disconnect"})
        elif outcome == "drained":
            drain_window.write(tmp_path, 7, 0.1)
        else:
            view.fails = outcome == "failed"
            view.may_end.set()
        await asyncio.wait([opened.task], timeout=10)
        assert (opened.task.exception() is not None) == view.fails
        return during

    assert asyncio.run(run()) == ({"/events/": 1}, True, 0)
    assert counts.details()["streams"] == {}
    assert counts.stream_ends == {outcome: 1}


@pytest.mark.parametrize("accepts", [[(b"accept", b"text/event-stream")], []])
def test_a_stream_beyond_the_bound_is_refused(tmp_path, accepts):
    """Before its view runs where its client names the type, and else once its response begins."""
    view = Streaming()
    served, counts = drain_of(view, tmp_path, streams=1)

    async def run():
        await open_stream(served)
        other = Open(served, http(headers=accepts), {"type": "http.request", "body": b""})
        await other.ended()

    asyncio.run(run())

    assert counts.stream_ends["refused"] == 1


def test_a_plain_response_is_no_stream(tmp_path):
    """It is counted with the requests."""

    async def page(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    served, counts = drain_of(page, tmp_path)

    async def run():
        await Open(served, http()).ended()

    asyncio.run(run())

    assert (counts.details()["streams"], counts.stream_ends) == ({}, {})


def test_a_client_that_closes_with_any_code_adds_no_more_names():
    """It may choose among 2,000: the registered ones and some others have their own count."""
    counts = ConnectionCounts()
    for code in (*range(4999, 2999, -1), 1000, 1001, 4999):
        counts.count_close(code)

    closes = counts.details()["closes"]

    assert len(closes) == 16 + 1 + 2
    assert (closes["1000"], closes["1001"], closes["4999"]) == (1, 1, 2)
    assert closes["other"] == 2000 - 16

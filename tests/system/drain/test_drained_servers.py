"""A generation is drained alike on every ASGI server."""

import asyncio
import contextlib
import json
from itertools import product

import pytest
from drain.clients import Response, Socket
from drain.serving import Served

# A process that reads the file a second late has a shorter window to spread over.
WINDOW_S = 12.0
KINDS = ("quiet", "slow", "async", "sync", "async-json", "sync-json")
NUMBERS = range(7)
LAST_EVENT = f"leaving {WINDOW_S}"
LAST_JSON = json.dumps({"type": "lot.leaving", "window_s": WINDOW_S})
HEARD = {"quiet": [], "slow": []} | {
    kind: [LAST_JSON if kind.endswith("json") else LAST_EVENT] for kind in KINDS[2:]
}
SERVERS = (
    ("uvicorn", 1),
    ("uvicorn", 2),
    ("daphne", 1),
    ("granian", 1),
    ("hypercorn", 1),
    ("gunicorn", 2),
)

# The window is in seconds; and all tests are of one drain.
pytestmark = pytest.mark.timed


class Drained:
    """What clients and project saw while one server was drained and stopped."""

    def __init__(self, served):
        path = served.socket
        self.served = served
        self.sockets = [Socket(path, f"/{kind}/{n}/") for kind, n in product(KINDS, NUMBERS)]
        self.closing = Socket(path, "/closing/1/")
        self.ready = Socket(path, "/.tandem/ready")
        self.streams = [Response(path, f"/stream/{number}/") for number in range(5)]
        self.requests = [Response(path, "/slow/?s=2"), Response(path, "/slow-sync/?s=2")]

    async def run(self):
        await self.served.answers()
        async with asyncio.timeout(10):
            for socket in (self.closing, self.ready):
                await socket.open()
                await socket.until_closed()
        await asyncio.gather(*(each.open() for each in [*self.sockets, *self.streams]))
        for request in self.requests:
            await request.ask()
        self.served.drain(WINDOW_S)
        async with asyncio.timeout(WINDOW_S + 10):
            await asyncio.gather(
                *(socket.until_closed() for socket in self.sockets),
                *(each.until_ended() for each in [*self.streams, *self.requests]),
            )
        self.served.terminate()
        self.ended_after_s = await self.served.ends(15)


@pytest.fixture(scope="module")
def all_drained(tmp_path_factory):
    """All are drained at the same time: they do little but wait."""
    with contextlib.ExitStack() as stack:
        drained = {
            server: Drained(stack.enter_context(Served(*server, tmp_path_factory.mktemp("run"))))
            for server in SERVERS
        }

        async def run():
            await asyncio.gather(*(each.run() for each in drained.values()))

        asyncio.run(run())
        yield drained


@pytest.fixture(params=SERVERS, ids=lambda each: "-".join(map(str, each)))
def drained(request, all_drained):
    return all_drained[request.param]


def test_it_shakes_hands_with_whoever_asks_whether_it_is_ready(drained):
    """By a real WebSocket, which is closed in peace."""
    assert drained.ready.code == 1000


def test_a_consumer_may_close_by_itself(drained):
    """Also while it receives; its own code arrives, and it gets the disconnect."""
    disconnected = [note for note in drained.served.notes if "/closing/" in note]

    assert drained.closing.code == 4001
    assert [note.rpartition(" ")[0] for note in disconnected] == ["disconnect /closing/1/"]


def test_every_websocket_is_closed_with_service_restart(drained):
    """By the same code and reason on every server."""
    assert {(each.code, each.reason) for each in drained.sockets} == {(1012, "Service restart")}


def test_websockets_are_closed_all_over_the_window(drained):
    """Their clients reconnect one after the other."""
    closed = [each.closed_at for each in drained.sockets]

    assert max(closed) - min(closed) >= 0.8 * WINDOW_S


def test_consumers_that_ask_for_a_last_event_speak(drained):
    """Sync, async and JSON ones; what they say arrives before the close."""
    heard = {each.path: each.heard for each in drained.sockets}

    assert heard == {each.path: HEARD[each.path.split("/")[1]] for each in drained.sockets}


def test_every_consumers_disconnect_runs_once(drained):
    """To its end, also when it takes longer than the server has left to live."""
    disconnected = sorted(note for note in drained.served.notes if note.endswith("1012"))

    assert disconnected == sorted(f"disconnect {each.path} 1012" for each in drained.sockets)


def test_streams_end_as_bodies_end(drained):
    """And their generators are closed."""
    ended = sorted(note for note in drained.served.notes if note.startswith("stream"))

    assert all(each.is_whole for each in drained.streams)
    assert ended == [f"stream {number}" for number in range(5)]


def test_requests_in_flight_are_answered(drained):
    """No request uses them."""
    assert all(each.body.startswith(b"HTTP/1.1 200") for each in drained.requests)
    assert all(b"slow" in each.body for each in drained.requests)


def test_it_ends_soon_and_quietly(drained):
    """Nothing is left to wait for, and nothing went wrong."""
    assert drained.served.process.returncode in (0, -15)
    assert drained.ended_after_s < 5
    assert "Traceback" not in drained.served.log

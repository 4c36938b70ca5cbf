"""A blocked route answers with its status, and its open connections end within the window."""

import asyncio
import time

import pytest
from inprocess.calling import http, websocket
from inprocess.connections import Open, open_socket, open_stream

import builders
from django_tandem.inprocess import blocked_routes
from django_tandem.inprocess.admission import Admission
from django_tandem.inprocess.asgi_connections import AsgiConnections
from django_tandem.inprocess.blocked_routes import (
    AsgiBlockedRoutes,
    BlockedRoutes,
    WsgiBlockedRoutes,
)
from django_tandem.inprocess.denial import DENIAL
from django_tandem.inprocess.open_connections import OpenConnections
from django_tandem.model import Block, BlockRule, ConnectionLimits, Protocol

EVENTS = (b"content-type", b"text/event-stream")
CONNECT = {"type": "websocket.connect"}


@pytest.fixture(autouse=True)
def _reads_at_once(monkeypatch) -> None:
    monkeypatch.setattr(blocked_routes, "CHECK_S", 0)


def block(**changes) -> Block:
    """A block of ``/events/`` that began now."""
    return builders.block("/events/", **{"target": "/events/", "status": 204, **changes})


async def page(_scope, _receive, send):
    """Answer, and serve a WebSocket."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"page"})


async def asgi_status(run_dir, scope):
    """Return what a request or a handshake gets first."""
    opened = Open(AsgiBlockedRoutes(page, BlockedRoutes(run_dir)), scope, CONNECT)
    await opened.ended()
    return opened.sent[0]


@pytest.mark.parametrize(
    ("path", "status"), [("/events/", 204), ("/events/x/", 204), ("/event/", 200)]
)
def test_a_blocked_request_on_asgi_gets_the_status(tmp_path, path, status):
    """The project is not called."""
    blocked_routes.write(tmp_path, [block()])

    assert asyncio.run(asgi_status(tmp_path, http(path=path)))["status"] == status


def test_the_script_name_is_no_part_of_a_blocked_path(tmp_path):
    """As Django and Channels resolve it."""
    blocked_routes.write(tmp_path, [block()])

    scope = http(path="/app/events/", root_path="/app")

    assert asyncio.run(asgi_status(tmp_path, scope))["status"] == 204


@pytest.mark.parametrize(
    ("status", "line", "names"),
    [
        (204, "204 No Content", {"Cache-Control"}),
        (410, "410 Gone", {"Cache-Control", "Content-Type", "Content-Length"}),
        (
            503,
            "503 Service Unavailable",
            {"Cache-Control", "Content-Type", "Content-Length", "Retry-After"},
        ),
    ],
)
def test_a_blocked_request_on_wsgi_gets_the_status(tmp_path, status, line, names):
    """With a Retry-After where it is one that passes."""
    blocked_routes.write(tmp_path, [block(status=status)])
    started = []

    body = WsgiBlockedRoutes(lambda *_: [b"page"], BlockedRoutes(tmp_path))(
        {"PATH_INFO": "/events/"}, lambda *given: started.append(given)
    )

    (given,) = started
    assert given[0] == line
    assert {name for name, _ in given[1]} == names
    assert b"".join(body) == (b"" if status == 204 else line[4:].encode())


def test_a_blocked_handshake_is_refused(tmp_path):
    """A status of success would look accepted; without the extension it is the close code."""
    blocked_routes.write(tmp_path, [block()])
    denied = websocket(path="/events/", extensions={DENIAL: {}})

    assert asyncio.run(asgi_status(tmp_path, denied))["status"] == 503
    assert asyncio.run(asgi_status(tmp_path, websocket(path="/events/")))["code"] == 4001


def test_the_first_rule_that_matches_decides(tmp_path):
    """A route before it that serves the path is not blocked; nor is the other protocol."""
    rules = (
        BlockRule(regex=r"/events/new/\Z", is_blocked=False, protocol=Protocol.HTTP),
        BlockRule(regex="/events/", protocol=Protocol.HTTP),
    )
    blocked_routes.write(tmp_path, [block(rules=rules)])
    routes = BlockedRoutes(tmp_path)

    assert routes.find(Protocol.HTTP, "/events/new/") is None
    assert routes.find(Protocol.HTTP, "/events/7/") == routes.blocks[0]
    assert routes.find(Protocol.WEBSOCKET, "/events/7/") is None


def test_an_unblocked_route_serves_again(tmp_path):
    """Each process reads the file anew."""
    routes = BlockedRoutes(tmp_path)
    found = [routes.find(Protocol.HTTP, "/events/")]
    for blocks in ([block()], []):
        blocked_routes.write(tmp_path, blocks)
        found.append(routes.find(Protocol.HTTP, "/events/"))

    assert [each and each.target for each in found] == [None, "/events/", None]


def test_a_damaged_file_blocks_nothing(tmp_path):
    """As a missing one."""
    (tmp_path / blocked_routes.NAME).write_text('[{"target": "/"')

    assert blocked_routes.read(tmp_path) == ()


def test_a_process_keeps_its_blocks_while_the_file_is_damaged(tmp_path):
    """No route is unblocked by accident."""
    blocked_routes.write(tmp_path, [block()])
    routes = BlockedRoutes(tmp_path)
    found = [routes.find(Protocol.HTTP, "/events/")]
    (tmp_path / blocked_routes.NAME).write_text('[{"target": "/"')
    found.append(routes.find(Protocol.HTTP, "/events/"))
    blocked_routes.write(tmp_path, [])
    found.append(routes.find(Protocol.HTTP, "/events/"))

    assert [each and each.target for each in found] == ["/events/", "/events/", None]


class Lasting:
    """A WebSocket or a stream that lasts until a disconnect, which it records."""

    def __init__(self):
        self.codes = []

    async def __call__(self, scope, receive, send):
        await receive()
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [EVENTS]})
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        self.codes.append((await receive()).get("code"))


@pytest.mark.usefixtures("polls")
def test_open_connections_of_a_blocked_route_end_within_the_window(tmp_path):
    """WebSockets with the code, spread at random; those of other routes stay."""
    consumer = Lasting()
    connections = OpenConnections(tmp_path, 7)
    served = AsgiConnections(consumer, connections, Admission(ConnectionLimits()))

    async def run():
        sockets = [Open(served, websocket(path="/events/ws"), CONNECT) for _ in range(20)]
        stream = await open_stream(served, path="/events/")
        other = await open_socket(served)
        await stream.until(lambda: all(each.sent for each in sockets))
        began = time.monotonic()
        blocked_routes.write(tmp_path, [block(window_s=0.5)])
        for each in (*sockets, stream):
            await each.ended()
        times = [each.sent_at[-1] - began for each in sockets]
        return [each.sent[-1] for each in sockets], stream.sent[-1], times, other.kinds

    closes, last, times, other = asyncio.run(run())

    close = {"type": "websocket.close", "code": 4001, "reason": ""}
    assert closes == [close] * 20
    assert last == {"type": "http.response.body", "body": b"", "more_body": False}
    assert max(times) - min(times) > 0.15
    assert other == ["accept"]
    assert sorted(consumer.codes, key=str) == [4001] * 20 + [None]


@pytest.mark.usefixtures("polls")
def test_one_that_is_accepted_after_its_route_was_blocked_ends(tmp_path):
    """Also where the block is known and the last connection has ended before."""
    served = AsgiConnections(Lasting(), OpenConnections(tmp_path, 7), Admission(ConnectionLimits()))

    async def run():
        first = await open_socket(served, path="/events/")
        blocked_routes.write(tmp_path, [block()])
        await first.ended()
        await first.until(lambda: not served.connections.is_polling)
        later = await open_socket(served, path="/events/")
        await later.ended()
        return later.sent[-1]["code"]

    assert asyncio.run(run()) == 4001


@pytest.mark.usefixtures("polls")
def test_a_route_that_is_unblocked_in_time_keeps_its_connections(tmp_path):
    """Those that have not ended yet."""
    served = AsgiConnections(Lasting(), OpenConnections(tmp_path, 7), Admission(ConnectionLimits()))

    async def run():
        opened = await open_socket(served, path="/events/")
        blocked_routes.write(tmp_path, [block(window_s=3600)])
        (timers,) = served.connections._timers.values()
        await opened.until(lambda: timers.block)
        blocked_routes.write(tmp_path, [])
        await opened.until(lambda: not timers.block)
        return opened.kinds

    assert asyncio.run(run()) == ["accept"]

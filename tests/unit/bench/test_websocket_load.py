"""WebSockets report how they were opened, how they ended, and how soon they were answered."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import uvloop
from bench.polling import polled
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from django_tandem.bench.results import WebSocketResult
from django_tandem.bench.websocket_load import MEASURES, WebSocketLoad
from django_tandem.bench.workload import WebSockets, Workload

SOCKETS = WebSockets(path="/ws/lots/1/?since=3", count=4, every_s=0.02)

Talk = Callable[[ServerConnection], Awaitable[None]]


async def _wait(socket: ServerConnection) -> None:
    await socket.wait_closed()


def _loaded(
    talk: Talk = _wait,
    *,
    until: Callable[[WebSocketLoad], bool] = lambda load: load.measured > 0,
    sockets: WebSockets = SOCKETS,
    headers: tuple[tuple[str, str], ...] = (),
    **options: Any,
) -> WebSocketResult:
    """Open WebSockets on a real server, and close them once ``until`` holds."""

    async def run() -> WebSocketResult:
        async with serve(talk, "127.0.0.1", 0, **options) as server:
            load = WebSocketLoad(_url(server), _workload(headers), sockets, MEASURES["ping"])
            await load.open()
            load.start()
            await polled(lambda: until(load))
            return await load.finish()

    return uvloop.run(run())


def _url(server: Server) -> str:
    return f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def _workload(headers: tuple[tuple[str, str], ...]) -> Workload:
    return Workload(name="it", path=None, headers=headers)


def test_each_finds_out_how_soon_it_is_answered() -> None:
    """By pings, which no consumer has to understand."""
    seen = _loaded(until=lambda load: load.measured >= 8)

    assert (seen.wanted, seen.opened, seen.closed, seen.why) == (4, 4, 0, ())
    assert seen.latency is not None
    assert seen.latency.count >= 8
    assert 0 < seen.latency.p50_ms <= seen.latency.worst_ms


def test_one_whose_consumer_talks_all_the_time_is_measured_like_any_other() -> None:
    """Its messages are read, so that no pong waits behind it."""

    async def talkative(socket: ServerConnection) -> None:
        while True:
            await socket.send("x" * 10_000)

    seen = _loaded(talkative, until=lambda load: load.measured >= 8)

    assert seen.latency is not None
    assert (seen.opened, seen.closed) == (4, 0)


def test_those_that_the_server_closes_are_counted_with_their_code() -> None:
    """The others stay open."""
    numbers = iter(range(4))

    async def every_second(socket: ServerConnection) -> None:
        if next(numbers) % 2:
            await socket.close(4000)
        else:
            await socket.wait_closed()

    seen = _loaded(every_second, until=lambda load: load.closed == 2 and load.measured > 0)

    assert (seen.opened, seen.closed, seen.why) == (4, 2, (("closed with 4000", 2),))
    assert seen.latency is not None


def test_one_that_is_closed_between_two_pings_is_counted_too() -> None:
    """The next ping may never come."""

    async def at_once(socket: ServerConnection) -> None:
        await socket.close(1012)

    seldom = replace(SOCKETS, every_s=600)
    seen = _loaded(at_once, until=lambda load: load.closed == 4, sockets=seldom)

    assert (seen.opened, seen.closed, seen.why) == (4, 4, (("closed with 1012", 4),))
    assert seen.latency is None


def test_a_broken_connection_counts_with_its_close_code() -> None:
    """The code is 1006, which no server sends."""

    async def breaking(socket: ServerConnection) -> None:
        socket.transport.abort()

    seen = _loaded(breaking, until=lambda load: load.closed == 4)

    assert (seen.closed, seen.why) == (4, (("closed with 1006", 4),))


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refused_handshake_counts_with_its_status(status) -> None:
    """None of them is open, and no time is measured."""

    def refuse(socket: ServerConnection, _request: Request) -> Response:
        return socket.respond(status, "no")

    seen = _loaded(until=lambda load: True, process_request=refuse)

    assert seen == WebSocketResult(
        wanted=4, opened=0, closed=0, latency=None, why=((f"handshake: status {status}", 4),)
    )


def test_a_refused_connection_opens_none() -> None:
    """It is reported, and ends nothing."""

    async def run() -> WebSocketResult:
        async with serve(_wait, "127.0.0.1", 0) as server:
            url = _url(server)
        load = WebSocketLoad(url, _workload(()), SOCKETS, MEASURES["ping"])
        await load.open()
        load.start()
        return await load.finish()

    seen = uvloop.run(run())
    assert (seen.opened, seen.why) == (0, (("no handshake: ConnectionRefusedError", 4),))


def _shaken(*headers: tuple[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """Return the path of a handshake, and its headers."""
    requests: list[Request] = []

    def keep(_socket: ServerConnection, request: Request) -> None:
        requests.append(request)

    one = replace(SOCKETS, count=1)
    _loaded(until=lambda load: True, sockets=one, headers=headers, process_request=keep)
    (request,) = requests
    return request.path, [(name.lower(), value) for name, value in request.headers.raw_items()]


def _of(name: str, headers: list[tuple[str, str]]) -> list[str]:
    return [value for each, value in headers if each == name]


def test_the_origin_is_the_host_as_a_browser_has_it() -> None:
    """Which AllowedHostsOriginValidator asks for."""
    path, headers = _shaken()
    (host,) = _of("host", headers)

    assert path == SOCKETS.path
    assert host.startswith("127.0.0.1:")
    assert _of("origin", headers) == [f"http://{host}"]


@pytest.mark.parametrize("name", ["Host", "host"])
def test_its_own_host_is_the_origin_too(name) -> None:
    """Once each, however it is written."""
    _, headers = _shaken((name, "lots.example"), ("Cookie", "a=1"))

    assert _of("host", headers) == ["lots.example"]
    assert _of("origin", headers) == ["http://lots.example"]
    assert _of("cookie", headers) == ["a=1"]


@pytest.mark.parametrize("name", ["Origin", "origin"])
def test_its_own_origin_is_sent_alone(name) -> None:
    """Whoever gives one means it."""
    _, headers = _shaken((name, "https://lots.example"))

    assert _of("origin", headers) == ["https://lots.example"]

"""A stop closes each WebSocket with 1012, and ends in time with anything in flight."""

import asyncio
import contextlib
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from harness.projects import with_channels
from harness.stack import Up

SOCKETS = 40
RESTART = 1012
# Of the default STOP_S: the window of the WebSockets, and the end of all.
WINDOW_S, LATEST_S = 6, 9
SERVERS = ["uvicorn", "daphne", "hypercorn", "granian", "gunicorn"]

pytestmark = pytest.mark.timed

VIEWS = """
import asyncio
import time


def slow(request, seconds):
    time.sleep(seconds)
    return HttpResponse("slow")


async def async_slow(request, seconds):
    await asyncio.sleep(seconds)
    return HttpResponse("slow")


urlpatterns += [path("slow/<int:seconds>/", slow), path("async-slow/<int:seconds>/", async_slow)]
"""
FINISHING = ("/slow/3/", "/async-slow/3/")
ENDLESS = ("/slow/60/", "/async-slow/60/")


def made(directory: Path, asgi: str) -> Path:
    asgi_setting = {"SERVER": asgi, "WORKERS": 1}
    with_channels(directory, WSGI={"WORKERS": 2}, ASGI=asgi_setting, MONITOR=False)
    with (directory / "mysite" / "urls.py").open("a") as urls:
        urls.write(VIEWS)
    return directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The status of a request, None where it was cut, and when it ended."""

    status: int | None
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A stop: how long it took, how each socket was closed, and what became of each request."""

    began: float
    took_s: float
    exit_code: int
    codes: set[int | None]
    closed: list[float]
    requests: dict[str, Ended]

    @property
    def spread_s(self) -> float:
        """The time between the first close and the last."""
        return max(self.closed) - min(self.closed)


async def stop(up: Up) -> Stopped:
    """Stop under sockets and requests."""
    paths = (*FINISHING, *ENDLESS)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        url = f"{up.url}/echo/one/"
        sockets = [await session.ws_connect(url, origin=up.url) for _ in range(SOCKETS)]
        closing = [asyncio.create_task(socket.receive()) for socket in sockets]
        asking = [asyncio.create_task(end_of(session, up.url + path)) for path in paths]
        # The edge has taken the requests once it has answered a later one.
        async with session.get(f"{up.url}/announce/?text=x"):
            pass
        await asyncio.gather(*closing)
        closing = [asyncio.create_task(close_of(socket)) for socket in sockets]
        began = time.monotonic()
        up.process.send_signal(signal.SIGTERM)
        exit_code = await asyncio.to_thread(up.wait)
        took_s = time.monotonic() - began
        return Stopped(
            began=began,
            took_s=took_s,
            exit_code=exit_code,
            closed=await asyncio.gather(*closing),
            codes={socket.close_code for socket in sockets},
            requests=dict(zip(paths, await asyncio.gather(*asking), strict=True)),
        )


async def close_of(socket: aiohttp.ClientWebSocketResponse) -> float:
    """Return when the socket was closed."""
    await socket.receive()
    return time.monotonic()


async def end_of(session: aiohttp.ClientSession, url: str) -> Ended:
    """Return how and when the response, or the connection, ended."""
    status = None
    with contextlib.suppress(aiohttp.ClientError):
        async with session.get(url) as answer:
            await answer.read()
            status = answer.status
    return Ended(status=status, at=time.monotonic())


@pytest.fixture(scope="module")
def all_stopped(tmp_path_factory) -> dict[str, Stopped]:
    """Stop a stack of each server, all at the same time."""
    projects = {asgi: made(tmp_path_factory.mktemp(asgi), asgi) for asgi in SERVERS}
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        started = [pool.submit(stack.enter_context, Up(each)) for each in projects.values()]
        ups = [each.result() for each in started]

        async def stop_all() -> list[Stopped]:
            return await asyncio.gather(*(stop(up) for up in ups))

        return dict(zip(SERVERS, asyncio.run(stop_all()), strict=True))


@pytest.fixture(params=SERVERS)
def stopped(request, all_stopped) -> Stopped:
    return all_stopped[request.param]


def test_a_stop_closes_each_socket_at_a_moment_of_its_window(stopped) -> None:
    """On every server alike: their clients reconnect one after the other."""
    assert stopped.codes == {RESTART}
    assert 0.8 * WINDOW_S <= stopped.spread_s <= WINDOW_S


def test_a_stop_finishes_the_requests_in_flight(stopped) -> None:
    """On either stack."""
    assert [stopped.requests[path].status for path in FINISHING] == [200, 200]


def test_requests_that_never_end_hold_up_no_stop(stopped) -> None:
    """They get the whole of STOP_S on either stack."""
    ended = [stopped.requests[path] for path in ENDLESS]

    assert all(each.status != 200 for each in ended)
    assert min(each.at - stopped.began for each in ended) > 7
    assert stopped.took_s < LATEST_S
    assert stopped.exit_code == 0

"""A stop closes each WebSocket with 1012, and ends in time with anything in flight."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import aiohttp
import pytest

from harness.projects import with_channels
from harness.stack import Up

SOCKETS = 20
RESTART = 1012
# `docker stop` kills after 10 s.
LATEST_S, SOON_S = 9.9, 5
SERVERS = ["uvicorn", "daphne", "hypercorn", "granian"]

pytestmark = pytest.mark.alone

SLOW = """
import asyncio
import time


def slow(request):
    time.sleep(60)
    return HttpResponse("slow")


async def async_slow(request):
    await asyncio.sleep(60)
    return HttpResponse("slow")


urlpatterns += [path("slow/", slow), path("async-slow/", async_slow)]
"""


def made(directory: Path, asgi: str) -> Path:
    with_channels(directory)
    with (directory / "mysite" / "urls.py").open("a") as urls:
        urls.write(SLOW)
    with (directory / "mysite" / "settings.py").open("a") as settings:
        settings.write(f'\nTANDEM = {{"ASGI": {{"SERVER": "{asgi}", "WORKERS": 1}}}}\n')
    return directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """How long a stop took, the close codes of the sockets, and how long each request waited."""

    took_s: float
    codes: set[int | None]
    waited_s: list[float]


async def stop(up: Up, *paths: str) -> Stopped:
    """Stop under sockets, and requests for ``paths``."""
    async with aiohttp.ClientSession() as session:
        url = f"{up.url}/echo/one/"
        sockets = [await session.ws_connect(url, origin=up.url) for _ in range(SOCKETS)]
        closing = [asyncio.create_task(socket.receive()) for socket in sockets]
        asking = [asyncio.create_task(end_of(session, up.url + path)) for path in paths]
        # The edge has taken the requests once it has answered a later one.
        async with session.get(f"{up.url}/announce/?text=x"):
            pass
        await asyncio.gather(*closing)
        closing = [asyncio.create_task(socket.receive()) for socket in sockets]
        began = time.monotonic()
        up.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(up.wait)
        took_s = time.monotonic() - began
        await asyncio.gather(*closing)
        return Stopped(
            took_s=took_s,
            codes={socket.close_code for socket in sockets},
            waited_s=[ended - began for ended in await asyncio.gather(*asking)],
        )


async def end_of(session: aiohttp.ClientSession, url: str) -> float:
    """Return when the response, or the connection, ended."""
    with contextlib.suppress(aiohttp.ClientError):
        async with session.get(url) as answer:
            await answer.read()
    return time.monotonic()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> Callable[..., dict[str, Stopped]]:
    """Stop a stack of each server under requests for these paths, all at the same time."""

    @cache
    def every(*paths: str) -> dict[str, Stopped]:
        projects = {asgi: made(tmp_path_factory.mktemp(asgi), asgi) for asgi in SERVERS}
        with ExitStack() as stack, ThreadPoolExecutor() as pool:
            started = [pool.submit(stack.enter_context, Up(each)) for each in projects.values()]
            ups = [each.result() for each in started]

            async def stop_all() -> list[Stopped]:
                return await asyncio.gather(*(stop(up, *paths) for up in ups))

            return dict(zip(SERVERS, asyncio.run(stop_all()), strict=True))

    return every


@pytest.mark.parametrize("asgi", SERVERS)
def test_a_stop_closes_each_socket_and_is_soon_over(asgi, stopped) -> None:
    """On every server alike: 1012, within a second."""
    alone = stopped()[asgi]

    assert alone.codes == {RESTART}
    assert alone.took_s < SOON_S


@pytest.mark.parametrize("asgi", SERVERS)
def test_requests_that_never_end_hold_up_no_stop(asgi, stopped) -> None:
    """They get their eight seconds on either stack, beside sockets that are closed."""
    held = stopped("/slow/", "/async-slow/")[asgi]

    assert held.codes == {RESTART}
    assert min(held.waited_s) > 7
    assert held.took_s < LATEST_S

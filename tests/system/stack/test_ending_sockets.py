"""A stop closes each WebSocket with 1012, and ends in time with anything in flight."""

import asyncio
import contextlib
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from harness.projects import with_channels
from harness.stack import Up

SOCKETS = 20
RESTART = 1012
# `docker stop` kills after 10 s. Beside other work a machine takes its time.
LATEST_S, SOON_S = 9.9, 5
SERVERS = ["uvicorn", "daphne", "hypercorn", "granian"]

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
        settings.write(f'\nTANDEM = {{"ASGI": {{"SERVER": "{asgi}"}}}}\n')
    return directory


async def stop(up: Up, path: str = "") -> tuple[float, set[int | None]]:
    """Stop under sockets, and a request for ``path``; return how long it took, and the codes."""
    async with aiohttp.ClientSession() as session:
        url = f"{up.url}/echo/one/"
        sockets = [await session.ws_connect(url, origin=up.url) for _ in range(SOCKETS)]
        closing = [asyncio.create_task(socket.receive()) for socket in sockets]
        asking = asyncio.create_task(ask(session, up.url + path)) if path else None
        # The edge has taken the request once it has answered a later one.
        async with session.get(f"{up.url}/announce/?text=x"):
            pass
        await asyncio.gather(*closing)
        closing = [asyncio.create_task(socket.receive()) for socket in sockets]
        began = time.monotonic()
        up.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(up.wait)
        took_s = time.monotonic() - began
        await asyncio.gather(*closing)
        if asking:
            await asking
        return took_s, {socket.close_code for socket in sockets}


async def ask(session: aiohttp.ClientSession, url: str) -> None:
    with contextlib.suppress(aiohttp.ClientError):
        async with session.get(url) as answer:
            await answer.read()


@pytest.mark.parametrize("asgi", SERVERS)
def test_a_stop_tells_each_socket_and_is_soon_over(asgi, tmp_path) -> None:
    """On every server alike: 1012, within a second."""
    with Up(made(tmp_path, asgi)) as up:
        took_s, codes = asyncio.run(stop(up))

    assert codes == {RESTART}
    assert took_s < SOON_S


@pytest.mark.parametrize("asgi", SERVERS)
@pytest.mark.parametrize("path", ["/slow/", "/async-slow/"])
def test_a_request_that_never_ends_holds_up_no_stop(asgi, path, tmp_path) -> None:
    """It gets its eight seconds on either stack, beside sockets that are closed."""
    with Up(made(tmp_path, asgi)) as up:
        took_s, codes = asyncio.run(stop(up, path))

    assert codes == {RESTART}
    assert 7 < took_s < LATEST_S

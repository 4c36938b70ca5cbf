"""Each server ends at its stop signal, after the requests in flight."""

import asyncio
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest

from django_tandem.servers import ASGI_SERVERS
from harness.client import wait_for
from harness.server import GRACE_S, process_ids, serving
from servers.conftest import title

# Longer than any stop of a server that waits for nothing, also on a machine with other work.
LONG_GRACE_S = 60


def test_a_server_finishes_the_requests_in_flight_and_ends(server, directory):
    """A request before the stop is answered after it; then no process is left."""
    started = serving(server, directory, workers=2, grace_s=LONG_GRACE_S)
    with started as running, ThreadPoolExecutor(1) as pool:
        wait_until_all_work(running)
        answer = pool.submit(running.ask, path="/slow?s=1")
        wait_for((directory / "slow").exists)

        took_s = seconds_to_stop(running)

        assert answer.result().body == b"slow"
        assert took_s < LONG_GRACE_S / 3
        wait_for(lambda: not alive(running.process.pid))


def test_a_server_at_rest_ends_at_once(server, directory):
    """A stop without requests waits for nothing."""
    with serving(server, directory, workers=2, grace_s=LONG_GRACE_S) as running:
        wait_until_all_work(running)

        assert seconds_to_stop(running) < LONG_GRACE_S / 3


@pytest.fixture(scope="module")
def stopped():
    """How long each ASGI server takes to end under a WebSocket, all at the same time."""
    with ExitStack() as stack:
        every = []
        for server in ASGI_SERVERS:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-")))
            every.append(stack.enter_context(serving(server, path, workers=2)))
            wait_until_all_work(every[-1])

        async def stop():
            return await asyncio.gather(*map(seconds_to_stop_with_a_websocket, every))

        return dict(zip(ASGI_SERVERS, asyncio.run(stop()), strict=True))


@pytest.mark.timed
@pytest.mark.parametrize("server", ASGI_SERVERS, ids=title)
def test_an_open_websocket_does_not_outlive_the_grace(server, stopped):
    """The server ends, and so does the socket."""
    assert stopped[server] < GRACE_S + 1


async def seconds_to_stop_with_a_websocket(running):
    connector = aiohttp.UnixConnector(str(running.socket))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect("http://project.test/ws/echo") as websocket,
    ):
        stopping = asyncio.create_task(asyncio.to_thread(seconds_to_stop, running))
        # Reading, it answers a close as a browser does.
        await websocket.receive()
        return await stopping


def seconds_to_stop(running):
    start = time.monotonic()
    running.stop()
    return time.monotonic() - start


def wait_until_all_work(running):
    """Granian has a moment in which a worker that starts does not hear that it is to end."""
    wanted = 1 if running.server.one_process else 2
    seen = set()
    wait_for(lambda: seen.update(process_ids(running)) or len(seen) == wanted)


def alive(group):
    """Return the processes of the group that run, those that ended and were not reaped left out."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_group) == group and state != "Z":
            found.append(stat.parent.name)
    return found

"""Each ASGI server holds its bounds, and keeps little for a client that does not read."""

import asyncio
import contextlib
import time
from itertools import takewhile

import psutil
import pytest
from drain.clients import Response, Socket
from drain.serving import Served
from websockets.exceptions import InvalidStatus

from builders import block
from django_tandem.inprocess import blocked_routes

SERVERS = ("uvicorn", "daphne", "granian", "hypercorn", "gunicorn")
WEBSOCKETS, STREAMS = 4, 2
BEYOND = 6
# What the site would send is 64 MB.
KEPT_MB = 16
FLOODED_S = 3


class Admitted:
    """What clients saw of one server at its bounds, and what it kept for two that do not read."""

    def __init__(self, served):
        self.served = served
        self.statuses = []
        self.retry_after = []
        self.streams = []
        self.grown_mb = {}
        self.has_sent_all = {}

    async def run(self):
        await self.served.answers()
        sockets = [self._socket("/quiet/1/") for _ in range(WEBSOCKETS + BEYOND)]
        opened = await asyncio.gather(*map(self._open, sockets))
        # A place that is freed is taken at once, and what was refused has changed nothing.
        await next(filter(None, opened)).connection.close()
        again = await self._open(self._socket("/quiet/1/"))
        self.is_taken_again = again is not None
        streams = [Response(self.served.socket, f"/stream/{n}/") for n in range(STREAMS + BEYOND)]
        for each in streams:
            await each.ask()
            self.streams.append((await each.reader.readline()).split()[1])
        self.blocked_code = await self._block(again)
        for each in filter(None, opened):
            await each.connection.close()
        for each in streams:
            each.writer.close()
        await self._flood("websocket")
        await self._flood("stream")

    def _socket(self, path):
        return Socket(self.served.socket, path)

    async def _open(self, socket):
        try:
            await socket.open()
        except InvalidStatus as refused:
            self.statuses.append(refused.response.status_code)
            self.retry_after.append(refused.response.headers.get("Retry-After"))
            return None
        return socket

    async def _block(self, socket):
        blocked_routes.write(self.served.directory, [block("/quiet/")])
        async with asyncio.timeout(10):
            await socket.until_closed()
        return socket.code

    async def _flood(self, kind):
        """Open one connection, read nothing of it, and measure what the server keeps."""
        reader, writer = await asyncio.open_unix_connection(self.served.socket, limit=1024)
        before = self._resident_mb()
        target = "/flood/1/" if kind == "websocket" else "/flood/"
        lines = [f"GET {target} HTTP/1.1", "Host: test"]
        if kind == "websocket":
            lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
            lines.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await reader.readuntil(b"\r\n\r\n")
        until = time.monotonic() + FLOODED_S
        largest = before
        while time.monotonic() < until:
            await asyncio.sleep(0.2)
            largest = max(largest, self._resident_mb())
        self.grown_mb[kind] = largest - before
        # Some servers discard what is sent once the connection is closed.
        self.has_sent_all[kind] = f"flooded {kind}" in self.served.notes
        writer.transport.abort()

    def _resident_mb(self):
        parent = psutil.Process(self.served.process.pid)
        found = [parent, *parent.children(recursive=True)]
        return sum(each.memory_info().rss for each in found) / 2**20


@pytest.fixture(scope="module")
def all_admitted(tmp_path_factory):
    """All at the same time: they do little but wait."""
    limits = f"websockets={WEBSOCKETS}&streams={STREAMS}"
    with contextlib.ExitStack() as stack:
        admitted = {
            server: Admitted(
                stack.enter_context(
                    Served(server, 1, tmp_path_factory.mktemp("run"), connections=limits)
                )
            )
            for server in SERVERS
        }

        async def run():
            await asyncio.gather(*(each.run() for each in admitted.values()))

        asyncio.run(run())
        yield admitted


@pytest.fixture(params=SERVERS)
def admitted(request, all_admitted):
    return all_admitted[request.param]


def test_exactly_the_bound_of_handshakes_is_accepted(admitted):
    """The others get 503 with a Retry-After, or 403 where the server has no response for them."""
    is_denied = admitted.served.server != "gunicorn"

    assert admitted.statuses == [503 if is_denied else 403] * BEYOND
    assert all(admitted.retry_after) == is_denied
    assert admitted.is_taken_again


def test_exactly_the_bound_of_streams_is_served(admitted):
    """In the order in which they came."""
    begun = list(takewhile(lambda status: status == b"200", admitted.streams))

    assert len(begun) == STREAMS
    assert set(admitted.streams[STREAMS:]) == {b"503"}


def test_a_websocket_of_a_blocked_route_is_closed_with_its_code(admitted):
    """On each server, although some allow few codes."""
    assert admitted.blocked_code == 4001


@pytest.mark.parametrize("kind", ["websocket", "stream"])
def test_a_client_that_reads_nothing_costs_little_memory(admitted, kind):
    """Its sender waits: what it would send is 64 MB."""
    assert admitted.grown_mb[kind] < KEPT_MB
    assert not admitted.has_sent_all[kind]


def test_nothing_of_it_is_an_error(admitted):
    """A refusal is a warning, with the setting that bounds it."""
    assert "Traceback" not in admitted.served.log
    assert 'TANDEM["ASGI"]["MAX_WEBSOCKETS"]' in admitted.served.log

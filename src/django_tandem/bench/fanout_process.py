"""
One process of WebSocket clients: ``python -m django_tandem.bench.fanout_process``.

`fanout_workload` has its input and output, `fanout_load` starts several.
"""

import asyncio
import gc
import json
import os
import random
import socket
import sys
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import uvloop

from django_tandem.bench.fanout_client import SocketClient, stamped
from django_tandem.bench.fanout_workload import (
    BIN_NS,
    Bins,
    ClientCounts,
    FanoutJob,
    decode_job,
    handshake_of,
    raise_open_files,
)

OPEN_S = 30.0
# More handshakes at a time would measure their queue. Clients that reconnect do not wait.
HANDSHAKES = 50
# From the first refused handshake to the last: each pause is twice the one before, at random.
PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
# Linux: the port is chosen at the connect, so that two connections may share one.
IP_BIND_ADDRESS_NO_PORT = 24

# Sends one line to the process that started this one.
Write = Callable[[dict[str, Any]], None]


class Clients:
    """The clients of this process, and what they counted."""

    def __init__(self, job: FanoutJob, write: Write) -> None:
        self.handshake = handshake_of(job)
        self._job = job
        self._write = write
        parts = urlsplit(job.url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._limit = asyncio.Semaphore(HANDSHAKES)
        self._open: set[SocketClient] = set()
        self._stalled: list[SocketClient] = []
        self._holding: list[asyncio.Task[None]] = []
        # How many clients have each stamp that not all have yet.
        self._received: dict[int, int] = {}
        self.reset()

    def reset(self) -> None:
        """Reset the counts."""
        self._latencies, self._reopening = array("q"), array("q")
        self._repeated = 0
        self._closed: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._received.clear()
        self._cpu_s = time.process_time()

    def counts(self) -> ClientCounts:
        """Return what was counted since the last reset."""
        return ClientCounts(
            open=len(self._open),
            delivered=len(self._latencies),
            repeated=self._repeated,
            latencies=_binned(self._latencies),
            reopening=_binned(self._reopening),
            closed=tuple(self._closed.items()),
            refused=tuple(self._refused.items()),
            cpu_s=time.process_time() - self._cpu_s,
        )

    async def open(self, count: int) -> None:
        """Have ``count`` clients, and return once each has opened or failed its first time."""
        tried: list[asyncio.Future[None]] = []
        for number in range(len(self._holding), count):
            first = asyncio.get_running_loop().create_future()
            tried.append(first)
            self._holding.append(asyncio.create_task(self._hold(number, first)))
        await asyncio.gather(*tried)

    async def close(self) -> None:
        """Cut all connections."""
        for task in self._holding:
            task.cancel()
        for client in self._open:
            client.abort()
        await asyncio.gather(*self._holding, return_exceptions=True)

    def send(self, text: str) -> int:
        """Send a message with a stamp on one WebSocket, and return the stamp; 0 without any."""
        at_ns = time.monotonic_ns()
        client = next(iter(self._open), None)
        if client is None:
            return 0
        client.send(stamped(text, at_ns))
        return at_ns

    def stall(self, count: int, text: str) -> None:
        """Have some clients send a message, if there is one, and read nothing from then on."""
        for client, _ in zip(self._open, range(count), strict=False):
            if text:
                client.send(text)
            client.pause_reading()
            self._stalled.append(client)

    def resume(self) -> None:
        """Have those that stall read again."""
        for client in self._stalled:
            client.resume_reading()
        self._stalled.clear()

    def count_undelivered(self, at_ns: int, settled_ns: int) -> int:
        """Return how many that opened ``settled_ns`` before a stamp have not received it."""
        return sum(
            client.opened_ns < at_ns - settled_ns and client.last_ns < at_ns
            for client in self._open
        )

    def on_stamp(self, client: SocketClient, at_ns: int) -> None:
        """Record a delivery; report a stamp that all clients have."""
        if at_ns <= client.last_ns:
            self._repeated += 1
            return
        client.last_ns = at_ns
        self._latencies.append(time.monotonic_ns() - at_ns)
        received = self._received.get(at_ns, 0) + 1
        if received < len(self._open):
            self._received[at_ns] = received
        else:
            self._received.pop(at_ns, None)
            self._write({"received": at_ns})

    async def _hold(self, number: int, first: asyncio.Future[None]) -> None:
        """Keep one client open until the end, as a page does that reconnects."""
        closed_ns, pause_s = 0, PAUSE_S
        while True:
            client = await self._tried(number, is_first=not first.done())
            if not first.done():
                first.set_result(None)
            if client is None:
                await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            pause_s = PAUSE_S
            if closed_ns:
                self._reopening.append(client.opened_ns - closed_ns)
            closed_ns = await self._stay(client)

    async def _stay(self, client: SocketClient) -> int:
        """Return when it closed; 0 when the client left."""
        self._open.add(client)
        stay_s = random.expovariate(1 / self._job.stay_s) if self._job.stay_s else None
        try:
            async with asyncio.timeout(stay_s):
                code = await client.closed
        except TimeoutError:
            return 0
        finally:
            self._open.discard(client)
            if not client.closed.done() or client.closed.cancelled():
                client.close()
        self._closed[str(code)] += 1
        return time.monotonic_ns()

    async def _tried(self, number: int, *, is_first: bool) -> SocketClient | None:
        try:
            if not is_first:
                return await self._connected(number)
            async with self._limit:
                return await self._connected(number)
        except TimeoutError:
            self._refused[f"no handshake in {OPEN_S:.0f} s"] += 1
        except OSError as error:
            # The message differs between event loops.
            why = os.strerror(error.errno) if error.errno else type(error).__name__
            self._refused[f"no connection: {why}"] += 1
        return None

    async def _connected(self, number: int) -> SocketClient | None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(OPEN_S):
            made = _socket_from(self._job.sources[number % len(self._job.sources)])
            try:
                await loop.sock_connect(made, self._address)
            except BaseException:
                made.close()
                raise
            factory = partial(SocketClient, self)
            _, client = await loop.create_connection(factory, sock=made)
            try:
                status = await client.opened
            except BaseException:
                client.abort()
                raise
        if status == 101:
            return client
        why = f"status {status}" if status else "connection broken"
        self._refused[why] += 1
        return None


def _socket_from(source: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    with suppress(OSError):
        made.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    made.bind((source, 0))
    return made


def _binned(nanoseconds: Iterable[int]) -> Bins:
    return tuple(sorted(Counter(each // BIN_NS for each in nanoseconds).items()))


async def _obey(clients: Clients, name: str, arguments: list[Any]) -> Any:
    match name:
        case "counts":
            return asdict(clients.counts())
        case "open":
            return await clients.open(*arguments)
        case "close":
            return await clients.close()
        case _:
            plain: dict[str, Callable[..., Any]] = {
                "reset": clients.reset,
                "send": clients.send,
                "stall": clients.stall,
                "resume": clients.resume,
                "count_undelivered": clients.count_undelivered,
            }
            return plain[name](*arguments)


async def run(write: Write) -> None:
    """Obey commands on stdin until it ends."""
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    clients = Clients(decode_job((await reader.readline()).decode()), write)
    async for line in reader:
        name, *arguments = json.loads(line)
        write({"reply": await _obey(clients, name, arguments)})
    await clients.close()


def _write(message: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(message)}\n")
    sys.stdout.flush()


def main() -> int:
    """Run until stdin ends."""
    raise_open_files()
    # A garbage collection would count as the server's latency.
    gc.disable()
    uvloop.run(run(_write))
    return 0


if __name__ == "__main__":
    sys.exit(main())

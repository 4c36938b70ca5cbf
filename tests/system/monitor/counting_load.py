"""A load of which each request is known: its route, its method, and the status that it got."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# Route, method, status.
Counts = Counter[tuple[str, str, int]]
TIMEOUT_S = 20


@dataclass(frozen=True)
class Known:
    """A request, and the route that it is counted by."""

    route: str
    target: str
    method: str = "GET"

    def encode(self) -> bytes:
        body = "Content-Length: 0\r\n" if self.method == "POST" else ""
        return f"{self.method} {self.target} HTTP/1.1\r\nHost: localhost\r\n{body}\r\n".encode(
            errors="surrogateescape"
        )


class Client:
    """A connection that is kept alive, and opened again where the edge closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: Known) -> int:
        """Return the status of the response."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request.encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(head.split(" ", 2)[1])
        headers = dict(
            line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line
        )
        await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return status

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def send_all(port: int, requests: Iterable[Known], *, at_a_time: int) -> Counts:
    """Send requests in a random order; return how many there were of each."""
    left = list(requests)
    random.Random(16).shuffle(left)
    counts: Counts = Counter()

    async def work() -> None:
        client = Client(port)
        while left:
            request = left.pop()
            async with asyncio.timeout(TIMEOUT_S):
                counts[request.route, request.method, await client.send(request)] += 1
        client.close()

    await asyncio.gather(*(work() for _ in range(at_a_time)))
    return counts


async def leave(port: int, requests: Iterable[Known], *, after_s: float) -> Counts:
    """Send requests, each on a separate connection, and close all before a response."""
    counts: Counts = Counter()
    writers = []
    for request in requests:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.encode())
        await writer.drain()
        writers.append(writer)
        counts[request.route, request.method, 499] += 1
    await asyncio.sleep(after_s)
    for writer in writers:
        writer.transport.abort()
    return counts

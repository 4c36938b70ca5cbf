"""WebSockets that are open during a round, and measure the latency of the server's event loop."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Origin

from django_tandem.bench.results import WebSocketResult, latency
from django_tandem.bench.workload import WebSockets, Workload

OPEN_S = 20.0
ALL_OPEN_S = 60.0
# More handshakes at a time would measure the handshake.
HANDSHAKES = 20

# Appends the latencies of one WebSocket, in seconds, until it is cancelled.
Measure = Callable[[ClientConnection, WebSockets, list[float]], Awaitable[None]]


async def ping(socket: ClientConnection, sockets: WebSockets, seconds: list[float]) -> None:
    """Ping, and wait for the pong."""
    # In step, the WebSockets would wait for one another.
    await asyncio.sleep(random.random() * sockets.every_s)  # noqa: S311
    while True:
        asked = time.perf_counter()
        try:
            await (await socket.ping())
        finally:
            # A ping that the end of the round cuts off took at least this long.
            seconds.append(time.perf_counter() - asked)
        await asyncio.sleep(sockets.every_s)


MEASURES: Mapping[str, Measure] = {"ping": ping}


class WebSocketLoad:
    """The WebSockets of one round: opened before it, closed after."""

    def __init__(self, url: str, workload: Workload, sockets: WebSockets, measure: Measure) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        given = {name.lower(): value for name, value in workload.headers}
        host = given.get("host", parts.netloc)
        self._headers = [
            each for each in workload.headers if each[0].lower() not in ("host", "origin")
        ]
        self._url = f"ws://{host}{sockets.path}"
        # Many projects check it, as a browser sends it.
        self._origin = Origin(given.get("origin", f"http://{host}"))
        self._sockets = sockets
        self._measure = measure
        self._open: list[ClientConnection] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._seconds: list[float] = []
        self._why: Counter[str] = Counter()

    @property
    def measured(self) -> int:
        """The number of latencies so far."""
        return len(self._seconds)

    @property
    def closed(self) -> int:
        """The number of WebSockets that the server closed."""
        return len(self._codes())

    async def open(self) -> None:
        """Open all of them, or as many as the timeout allows."""
        limit = asyncio.Semaphore(HANDSHAKES)
        opening = [asyncio.create_task(self._open_one(limit)) for _ in range(self._sockets.count)]
        _, late = await asyncio.wait(opening, timeout=ALL_OPEN_S)
        for task in late:
            task.cancel()
        if late:
            self._why[f"no handshake in {ALL_OPEN_S:.0f} s"] += len(late)

    def start(self) -> None:
        """Start the measurement."""
        self._tasks = [asyncio.create_task(self._watch(each)) for each in self._open]

    def reset(self) -> None:
        """Drop the results of the warm-up."""
        self._seconds.clear()

    async def stop(self) -> None:
        """Stop the measurement; a pending ping counts with its time so far."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def finish(self) -> WebSocketResult:
        """Close them, and return the result."""
        await self.stop()
        codes = self._codes()
        self._why.update(f"closed with {code}" for code in codes)
        for each in self._open:
            each.transport.abort()
        return WebSocketResult(
            wanted=self._sockets.count,
            opened=len(self._open),
            closed=len(codes),
            latency=latency(self._seconds),
            why=tuple(self._why.most_common()),
        )

    def _codes(self) -> list[int]:
        return [each.close_code for each in self._open if each.close_code is not None]

    async def _open_one(self, limit: asyncio.Semaphore) -> None:
        async with limit:
            try:
                self._open.append(await self._connect())
            except InvalidStatus as error:
                self._why[f"handshake: status {error.response.status_code}"] += 1
            except (OSError, WebSocketException, TimeoutError) as error:
                self._why[f"no handshake: {type(error).__name__}"] += 1

    async def _connect(self) -> ClientConnection:
        return await connect(
            self._url,
            origin=self._origin,
            additional_headers=self._headers,
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_S,
            max_size=None,
            proxy=None,
            host=self._host,
            port=self._port,
        )

    async def _watch(self, socket: ClientConnection) -> None:
        reading = asyncio.create_task(_read(socket)) if self._measure is ping else None
        try:
            # `finish` counts a WebSocket that was closed.
            with contextlib.suppress(ConnectionClosed):
                await self._measure(socket, self._sockets, self._seconds)
        finally:
            if reading is not None:
                reading.cancel()


async def _read(socket: ClientConnection) -> None:
    # Unread messages would fill the queue and delay the pongs.
    try:
        async for _ in socket:
            pass
    except ConnectionClosed:
        return

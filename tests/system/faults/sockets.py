"""WebSockets that are held open, each of which comes back as soon as it is closed."""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass

import aiohttp

PATHS = ("/ws/marks/", "/ws/lots/1/")
# After a handshake that failed; never after a close.
RETRY_S = 0.05
GREETING_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """How and when a socket was closed, by the monotonic clock."""

    at: float
    code: int
    path: str


class Sockets:
    """So many sockets, half of them on the example's own lot."""

    # The path of the other half, whose sockets a DRAIN may leave open.
    WAITING = PATHS[0]

    def __init__(self, url: str, count: int, paths: tuple[str, ...] = PATHS) -> None:
        self._paths = paths
        self._url = url
        self._count = count
        self._is_stopping = False
        # Cleared while nothing listens: thousands of refused handshakes would be a load themselves.
        self.may_open = asyncio.Event()
        self.may_open.set()
        self.open = 0
        self.closes: list[Close] = []
        # Why a handshake failed, and when it began.
        self.refused: list[tuple[float, str]] = []
        self.slowest_handshake_s = 0.0
        # What each socket on the channel layer was sent last.
        self.announced: dict[int, str] = {}
        # The version that greeted each, which is the one that serves it.
        self.versions: dict[int, int] = {}

    @property
    def count(self) -> int:
        return self._count

    async def __aenter__(self) -> "Sockets":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), headers={"Origin": self._url}
        )
        self._tasks = [asyncio.create_task(self._hold(each)) for each in range(self._count)]
        try:
            await self.wait_until_open()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    async def wait_until_open(self, within_s: float = 60) -> None:
        """Return when all are open; raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while self.open < self._count:
                await asyncio.sleep(0.02)

    async def wait_until_told(self, text: str, within_s: float) -> None:
        """Return when each socket on the channel layer has heard ``text``; raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while (
                set(self.announced.values()) != {text}
                or len(self.announced) < (self._count + 1) // 2
            ):
                await asyncio.sleep(0.02)

    async def _hold(self, number: int) -> None:
        path = self._paths[number % len(self._paths)]
        while True:
            await self.may_open.wait()
            began = time.monotonic()
            try:
                socket = await self._session.ws_connect(self._url + path)
                greeting = await socket.receive_json(timeout=GREETING_S)
            except (aiohttp.ClientError, TimeoutError, TypeError) as error:
                # TypeError: it was closed before it sent anything.
                self.refused.append((began, _why(error)))
                await asyncio.sleep(RETRY_S)
                continue
            self.slowest_handshake_s = max(self.slowest_handshake_s, time.monotonic() - began)
            self.versions[number] = greeting.get("version", -1)
            await self._listen(number, path, socket)

    async def _listen(
        self, number: int, path: str, socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        self.open += 1
        try:
            async for message in socket:
                with contextlib.suppress(KeyError):
                    self.announced[number] = json.loads(message.data)["announced"]
        finally:
            self.open -= 1
        # 1006 where it was cut without a word.
        code = socket.close_code or 1006
        self.closes.append(Close(at=time.monotonic(), code=code, path=path))


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"status {error.status}"
    return type(error).__name__

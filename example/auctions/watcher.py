"""One socket that shows the number of watchers of its lot."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable


class Watcher:
    """Sends its socket the newest count with `send`, and skips older ones when that is slow."""

    def __init__(self, send: Callable[[int], Awaitable[None]]) -> None:
        self._send = send
        self._count = self._sent = 0
        self._sending: asyncio.Task | None = None

    def show(self, count: int) -> None:
        """Send the count, unless it is the last one sent; do not wait for the socket."""
        self._count = count
        if count != self._sent and (self._sending is None or self._sending.done()):
            # A separate task: a slow socket must not delay the others.
            self._sending = asyncio.create_task(self._send_newest())

    def stop(self) -> None:
        if self._sending:
            self._sending.cancel()

    async def _send_newest(self) -> None:
        while self._sent != self._count:
            self._sent = self._count
            # Each server has its own error for a socket that is gone; its disconnect follows.
            with contextlib.suppress(Exception):
                await self._send(self._sent)

"""One socket that is shown how many watch its lot."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable


class Watcher:
    """Tells its socket the newest count with `tell`, and skips older ones when that is slow."""

    def __init__(self, tell: Callable[[int], Awaitable[None]]) -> None:
        self._tell = tell
        self._count = self._told = 0
        self._telling: asyncio.Task | None = None

    def show(self, count: int) -> None:
        """Have the socket told, unless it was told just that; never waits for it."""
        self._count = count
        if count != self._told and (self._telling is None or self._telling.done()):
            # A task of its own: one that reads slowly would keep up all the others.
            self._telling = asyncio.create_task(self._tell_newest())

    def stop(self) -> None:
        if self._telling:
            self._telling.cancel()

    async def _tell_newest(self) -> None:
        while self._told != self._count:
            self._told = self._count
            # Each server has its own error for a socket that is gone; its disconnect follows.
            with contextlib.suppress(Exception):
                await self._tell(self._told)

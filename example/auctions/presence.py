"""The number of watchers of each lot, over all processes."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from channels.layers import BaseChannelLayer, get_channel_layer

from auctions.watcher import Watcher

logger = logging.getLogger(__name__)

GROUP = "watching"
# The shortest time between two messages to a socket or another process.
AT_MOST_EVERY_S = 1.0
# How often a process repeats its counts; one that is silent for GONE_AFTER_S was killed.
BEAT_S = 5.0
GONE_AFTER_S = 3 * BEAT_S
# How long a new process waits for the others' counts before it shows one.
SETTLING_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The counts of another process, and the time of their arrival."""

    counts: Mapping[int, int]
    at: float


class House:
    """
    The watchers in this process, and the counts of the other processes.

    Each process sends its counts to one group, always all of them: what the channel layer
    loses is made up for by the next message, and the counts of a killed process expire.
    """

    def __init__(self) -> None:
        self._here: dict[int, set[Watcher]] = {}
        self._elsewhere: dict[str, Announcement] = {}
        self._news = asyncio.Event()
        self._running: asyncio.Task | None = None
        self._is_settled = False
        self._is_alone = False

    def join(self, lot_id: int, watcher: Watcher) -> None:
        """Add a watcher and show it the count; the others follow soon."""
        self._here.setdefault(lot_id, set()).add(watcher)
        self._news.set()
        if self._running is None:
            self._is_settled = False
            self._running = asyncio.create_task(self._run())
        elif self._is_settled:
            watcher.show(self.watching(lot_id))

    async def leave(self, lot_id: int, watcher: Watcher) -> None:
        """Remove a watcher; after the last one this process announces that it has none."""
        watcher.stop()
        here = self._here.get(lot_id, set())
        here.discard(watcher)
        if not here:
            self._here.pop(lot_id, None)
        self._news.set()
        if not self._here and self._running:
            running, self._running = self._running, None
            running.cancel()
            # With a limit: the last message needs a channel layer that may be unavailable.
            await asyncio.wait([running], timeout=AT_MOST_EVERY_S)

    def watching(self, lot_id: int) -> int:
        """Count the watchers of a lot in all processes."""
        elsewhere = sum(announced.counts.get(lot_id, 0) for announced in self._elsewhere.values())
        return len(self._here.get(lot_id, ())) + elsewhere

    async def _run(self) -> None:
        layer = get_channel_layer()
        # Its name identifies this process, and direct messages arrive there.
        channel = await layer.new_channel()
        hearing = asyncio.create_task(self._hear(layer, channel))
        announced = Announcement(counts={}, at=0.0)
        try:
            while True:
                self._news.clear()
                announced = await self._announce_if_due(layer, channel, announced)
                if not self._is_settled:
                    await asyncio.sleep(SETTLING_S)
                    self._is_settled = True
                self._forget_the_killed()
                self._show()
                await asyncio.sleep(AT_MOST_EVERY_S)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_S - AT_MOST_EVERY_S):
                        await self._news.wait()
        finally:
            hearing.cancel()
            self._elsewhere.clear()
            with self._or_alone():
                await layer.group_discard(GROUP, channel)
                await layer.group_send(GROUP, _message(channel, {}))

    async def _announce_if_due(
        self, layer: BaseChannelLayer, channel: str, announced: Announcement
    ) -> Announcement:
        now, counts = time.monotonic(), self._counts()
        if counts == announced.counts and now - announced.at < BEAT_S:
            return announced
        with self._or_alone():
            # Each time, for memberships expire, and all are gone when Redis was restarted.
            await layer.group_add(GROUP, channel)
            await layer.group_send(GROUP, _message(channel, counts))
        return Announcement(counts=counts, at=now)

    async def _hear(self, layer: BaseChannelLayer, channel: str) -> None:
        while True:
            with self._or_alone():
                message = await layer.receive(channel)
                if message["process"] != channel and self._take(message):
                    # A new process knows no other, and the next beat may be seconds away.
                    await layer.send(message["process"], _message(channel, self._counts()))
                continue
            await asyncio.sleep(AT_MOST_EVERY_S)

    def _take(self, message: dict) -> bool:
        """Store the counts of another process; return whether it is a new process."""
        process, counts = message["process"], dict(message["counts"])
        known = self._elsewhere.pop(process, None)
        if counts:
            self._elsewhere[process] = Announcement(counts=counts, at=time.monotonic())
        if counts != (known.counts if known else {}):
            self._news.set()
        return bool(counts) and known is None

    def _forget_the_killed(self) -> None:
        since = time.monotonic() - GONE_AFTER_S
        self._elsewhere = {
            name: announced for name, announced in self._elsewhere.items() if announced.at > since
        }

    def _show(self) -> None:
        for lot_id, watchers in self._here.items():
            count = self.watching(lot_id)
            for watcher in watchers:
                watcher.show(count)

    @contextlib.contextmanager
    def _or_alone(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001  each layer has its own
            if not self._is_alone:
                logger.warning("The watchers of other processes are unknown: %r", error)
            self._is_alone = True
        else:
            self._is_alone = False

    def _counts(self) -> dict[int, int]:
        return {lot_id: len(watchers) for lot_id, watchers in self._here.items()}


def _message(channel: str, counts: Mapping[int, int]) -> dict:
    # Pairs: msgpack, as channel layers use it, has no integer keys.
    return {"type": "watching", "process": channel, "counts": list(counts.items())}


_houses: WeakKeyDictionary[asyncio.AbstractEventLoop, House] = WeakKeyDictionary()


def house() -> House:
    """Return the house of this process; sockets of one process share an event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _houses:
        _houses[loop] = House()
    return _houses[loop]

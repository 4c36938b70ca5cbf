"""How many watch each lot, counted over all the processes that hold their sockets."""

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
# However fast people come and go, sockets and other processes are told no more often.
AT_MOST_EVERY_S = 1.0
# How often a process repeats what it holds; one not heard for GONE_AFTER_S was killed.
BEAT_S = 5.0
GONE_AFTER_S = 3 * BEAT_S
# How long a process that has just begun waits for the others' answers before it shows a count.
SETTLING_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How many watch each lot in one process, and when it said so by this one's clock."""

    counts: Mapping[int, int]
    at: float


class House:
    """
    The watchers in this process, and what the other processes say of theirs.

    Each process sends its counts to one group, always all of them: what the channel layer
    loses is made up for by the next message, and the counts of a killed process expire.
    """

    def __init__(self) -> None:
        self._here: dict[int, set[Watcher]] = {}
        self._elsewhere: dict[str, Said] = {}
        self._news = asyncio.Event()
        self._running: asyncio.Task | None = None
        self._is_settled = False
        self._is_alone = False

    def join(self, lot_id: int, watcher: Watcher) -> None:
        """Count a watcher in; it is shown how many they are, and soon the others are."""
        self._here.setdefault(lot_id, set()).add(watcher)
        self._news.set()
        if self._running is None:
            self._is_settled = False
            self._running = asyncio.create_task(self._run())
        elif self._is_settled:
            watcher.show(self.watching(lot_id))

    async def leave(self, lot_id: int, watcher: Watcher) -> None:
        """Count a watcher out; the last one of this process takes the process out as well."""
        watcher.stop()
        here = self._here.get(lot_id, set())
        here.discard(watcher)
        if not here:
            self._here.pop(lot_id, None)
        self._news.set()
        if not self._here and self._running:
            running, self._running = self._running, None
            running.cancel()
            # Not for ever: the last word goes over a channel layer that may be away.
            await asyncio.wait([running], timeout=AT_MOST_EVERY_S)

    def watching(self, lot_id: int) -> int:
        """Count the watchers of a lot in all processes."""
        elsewhere = sum(said.counts.get(lot_id, 0) for said in self._elsewhere.values())
        return len(self._here.get(lot_id, ())) + elsewhere

    async def _run(self) -> None:
        layer = get_channel_layer()
        # It names this process, and a direct answer to it goes there.
        channel = await layer.new_channel()
        hearing = asyncio.create_task(self._hear(layer, channel))
        said = Said(counts={}, at=0.0)
        try:
            while True:
                self._news.clear()
                said = await self._say_if_due(layer, channel, said)
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

    async def _say_if_due(self, layer: BaseChannelLayer, channel: str, said: Said) -> Said:
        now, counts = time.monotonic(), self._counts()
        if counts == said.counts and now - said.at < BEAT_S:
            return said
        with self._or_alone():
            # Each time, for memberships expire, and all are gone when Redis was restarted.
            await layer.group_add(GROUP, channel)
            await layer.group_send(GROUP, _message(channel, counts))
        return Said(counts=counts, at=now)

    async def _hear(self, layer: BaseChannelLayer, channel: str) -> None:
        while True:
            with self._or_alone():
                message = await layer.receive(channel)
                if message["process"] != channel and self._take(message):
                    # One that has just begun knows of nobody, and the next beat may be far.
                    await layer.send(message["process"], _message(channel, self._counts()))
                continue
            await asyncio.sleep(AT_MOST_EVERY_S)

    def _take(self, message: dict) -> bool:
        """Note what another process holds; True when it was not known before."""
        process, counts = message["process"], dict(message["counts"])
        known = self._elsewhere.pop(process, None)
        if counts:
            self._elsewhere[process] = Said(counts=counts, at=time.monotonic())
        if counts != (known.counts if known else {}):
            self._news.set()
        return bool(counts) and known is None

    def _forget_the_killed(self) -> None:
        since = time.monotonic() - GONE_AFTER_S
        self._elsewhere = {name: said for name, said in self._elsewhere.items() if said.at > since}

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
                logger.warning("Who watches elsewhere is not known just now: %r", error)
            self._is_alone = True
        else:
            self._is_alone = False

    def _counts(self) -> dict[int, int]:
        return {lot_id: len(watchers) for lot_id, watchers in self._here.items()}


def _message(channel: str, counts: Mapping[int, int]) -> dict:
    # Pairs: what packs messages for Redis takes no numbers for keys.
    return {"type": "watching", "process": channel, "counts": list(counts.items())}


_houses: WeakKeyDictionary[asyncio.AbstractEventLoop, House] = WeakKeyDictionary()


def house() -> House:
    """Return the house of this process; sockets of one process share an event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _houses:
        _houses[loop] = House()
    return _houses[loop]

"""
The open WebSockets and live streams of this process, each of which ends in a drain.

A file drains a generation (drain_window.py); ``drain`` drains this process alone. A connection
that reaches its greatest age, or whose route is blocked, ends in the same way.
"""

import asyncio
import functools
import os
import random
import time
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

from django_tandem import environment
from django_tandem.inprocess import drain_window
from django_tandem.inprocess.blocked_routes import PROTOCOLS, BlockedRoutes
from django_tandem.inprocess.drain_window import DrainWindow, version
from django_tandem.model import Block, DrainMode, DrainRule, drain_mode

# To stat a missing file takes a few microseconds.
POLL_S = 0.15
# Between which shares of the window a connection is ended. The rest of it is for closing
# handshakes, and for the project's own clean-up.
MOMENTS = {DrainMode.SPREAD: (0.0, 0.9), DrainMode.WAIT: (0.85, 0.95)}
# The project's code gets at least this long after its connection was ended.
CLEAN_UP_S = 3.0


class OpenConnection(Protocol):
    """
    An open WebSocket or stream; ``is_ending`` is true once its turn in the drain has come.

    ``mode`` is how the settings have it end.
    """

    kind: str
    path: str
    mode: DrainMode
    is_ending: bool

    def announce(self, window_s: float) -> None:
        """Have the project know that the connection ends after ``window_s`` at the latest."""

    async def end(self, window_s: float, code: int = 1012) -> None:
        """End the connection gracefully, for the client and for the project."""

    def cancel(self) -> None:
        """Cancel the project's code."""


@dataclass(slots=True)
class EndTimers:
    """The timers that end one open connection; each is None where nothing is scheduled."""

    # Of the drain; once the connection is ending, the one that cancels its code.
    drain: asyncio.TimerHandle | None = None
    age: asyncio.TimerHandle | None = None
    block: asyncio.TimerHandle | None = None
    # Whether its code has all the time that it needs to end, unless in a drain.
    is_patient: bool = False

    def cancel_drain(self) -> None:
        """Cancel the timer of the drain."""
        timer, self.drain = self.drain, None
        if timer is not None:
            timer.cancel()

    def cancel_block(self) -> None:
        """Cancel the timer of a block."""
        timer, self.block = self.block, None
        if timer is not None:
            timer.cancel()

    def cancel_all(self) -> None:
        """Cancel every timer."""
        for timer in (self.drain, self.age, self.block):
            if timer is not None:
                timer.cancel()


class OpenConnections:
    """Polls the drain file while there is one, and ends each at a random moment of the window."""

    def __init__(self, run_dir: Path, generation: int, rules: tuple[DrainRule, ...] = ()) -> None:
        self._run_dir = run_dir
        self.blocked = BlockedRoutes(run_dir)
        self._known_blocks: tuple[Block, ...] = ()
        self._generation = generation
        self._rules = rules
        # Of each open connection.
        self._timers: dict[OpenConnection, EndTimers] = {}
        self._endings: set[asyncio.Task[None]] = set()
        # The window that is followed: that of the generation, else that of this process alone.
        self._window: DrainWindow | None = None
        self._window_of_process: DrainWindow | None = None
        self._version: tuple[int, int] | None = None
        self.is_polling = False

    def add(self, connection: OpenConnection, max_age_s: float | None = None) -> None:
        """End ``connection`` when the generation drains, and at ``max_age_s`` at the latest."""
        timers = self._timers[connection] = EndTimers()
        if max_age_s is not None:
            loop = asyncio.get_running_loop()
            timers.age = loop.call_later(max_age_s, self._end, connection)
        if not self.is_polling:
            self._poll()
        # Its route may have been blocked between its handshake and its accept.
        if timers.block is None:
            self._end_if_blocked(connection)
        if timers.drain is None and self._window is not None:
            at = random.random()  # noqa: S311
            self._schedule_end(connection, self._window.remaining_s(), at)

    def remove(self, connection: OpenConnection) -> None:
        """Forget ``connection``, which has ended."""
        timers = self._timers.pop(connection, None)
        if timers is not None:
            timers.cancel_all()

    def mode_of(self, path: str) -> DrainMode:
        """Return how the settings have a connection end whose path Django resolves as ``path``."""
        return drain_mode(self._rules, path) if self._rules else DrainMode.SPREAD

    def drain(self, window_s: float) -> None:
        """End the connections of this process within ``window_s`` from now."""
        self._window_of_process = DrainWindow(started_at_s=time.time(), window_s=window_s)

    async def wait_for_clean_up(self) -> None:
        """Wait for the project's code of the connections that were ended, for a bounded time."""
        until = time.monotonic() + CLEAN_UP_S
        while any(each.is_ending for each in self._timers) and time.monotonic() < until:
            await asyncio.sleep(POLL_S)

    def _poll(self) -> None:
        self.is_polling = bool(self._timers)
        if not self.is_polling:
            return
        window = self._read_window()
        if window != self._window:
            self._window = window
            self._schedule_all()
        self._end_blocked()
        asyncio.get_running_loop().call_later(POLL_S, self._poll)

    def _read_window(self) -> DrainWindow | None:
        found = version(self._run_dir, self._generation)
        if found is not None and found == self._version:
            return self._window
        window = drain_window.read(self._run_dir, self._generation) if found else None
        # Without a window the file could not be read, and the next poll reads it again.
        self._version = found if window is not None else None
        return window or self._window_of_process

    def _end_blocked(self) -> None:
        """Schedule the end of the connections whose routes are blocked."""
        self.blocked.check()
        if self.blocked.blocks == self._known_blocks:
            return
        self._known_blocks = self.blocked.blocks
        for timers in self._timers.values():
            timers.cancel_block()
        for connection in [each for each in self._timers if not each.is_ending]:
            self._end_if_blocked(connection)

    def _end_if_blocked(self, connection: OpenConnection) -> None:
        block = self.blocked.find(PROTOCOLS[connection.kind], connection.path)
        if block is None:
            return
        remaining_s = max(0.0, block.since_s + block.window_s - time.time())
        share = MOMENTS[DrainMode.SPREAD][1] * random.random()  # noqa: S311
        after_s = share * min(block.window_s, remaining_s)
        loop = asyncio.get_running_loop()
        self._timers[connection].block = loop.call_later(
            after_s, self._end, connection, block.close, block.window_s
        )

    def _schedule_all(self) -> None:
        window = self._window
        if window is None:
            self._call_off()
            return
        for timers in self._timers.values():
            timers.cancel_drain()
        for connection in [each for each in self._timers if each.is_ending]:
            self._schedule_cancel(connection)
        remaining_s = window.remaining_s()
        alike: dict[tuple[str, DrainMode], list[OpenConnection]] = {}
        for each in self._timers:
            if not each.is_ending:
                alike.setdefault((each.kind, self._mode(each)), []).append(each)
        for connections in alike.values():
            for connection, at in zip(connections, spread(len(connections)), strict=True):
                self._schedule_end(connection, remaining_s, at)

    def _call_off(self) -> None:
        """Leave open what the drain has not ended; what it has ended keeps its time."""
        for connection, timers in self._timers.items():
            if not connection.is_ending or timers.is_patient:
                timers.cancel_drain()

    def _schedule_end(self, connection: OpenConnection, remaining_s: float, at: float) -> None:
        """Schedule the end of a connection, ``at`` a moment between 0 and 1."""
        mode = self._mode(connection)
        first, last = MOMENTS[mode]
        self._schedule(connection, remaining_s * (first + (last - first) * at))
        if mode is DrainMode.WAIT:
            connection.announce(remaining_s)

    def _mode(self, connection: OpenConnection) -> DrainMode:
        common = self._window.mode if self._window is not None else None
        return common or connection.mode

    def _schedule(self, connection: OpenConnection, after_s: float) -> None:
        act = connection.cancel if connection.is_ending else lambda: self._end(connection)
        timers = self._timers[connection]
        timers.cancel_drain()
        timers.drain = asyncio.get_running_loop().call_later(after_s, act)

    def _end(
        self, connection: OpenConnection, code: int = 1012, window_s: float | None = None
    ) -> None:
        if connection.is_ending:
            return
        if window_s is None:
            window_s = self._window.window_s if self._window is not None else 0.0
        self._run(connection, connection.end(window_s, code))
        self._schedule_cancel(connection)

    def run_ending(self, connection: OpenConnection, end: Coroutine[Any, Any, None]) -> None:
        """Run what ends ``connection``; its code has all the time it needs, unless in a drain."""
        self._run(connection, end)
        self._timers[connection].is_patient = True
        if self._window is not None:
            self._schedule_cancel(connection)

    def _run(self, connection: OpenConnection, end: Coroutine[Any, Any, None]) -> None:
        connection.is_ending = True
        ending = asyncio.get_running_loop().create_task(end)
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    def _schedule_cancel(self, connection: OpenConnection) -> None:
        remaining_s = self._window.remaining_s() if self._window is not None else 0.0
        self._schedule(connection, max(remaining_s, CLEAN_UP_S))


def spread(count: int) -> Iterable[float]:
    """Return ``count`` random moments between 0 and 1, evenly spread and in random order."""
    drawn = [(place + random.random()) / count for place in range(count)]  # noqa: S311
    random.shuffle(drawn)
    return drawn


@functools.cache
def of_process() -> OpenConnections | None:
    """Return this process's connections, if its environment names a generation to follow."""
    run_dir = os.environ.get(environment.RUN_DIR)
    generation = os.environ.get(environment.GENERATION)
    if not (run_dir and generation):
        return None
    return OpenConnections(Path(run_dir), int(generation), _read_rules())


def _read_rules() -> tuple[DrainRule, ...]:
    pairs = parse_qsl(os.environ.get(environment.DRAIN, ""))
    return tuple(DrainRule(prefix=prefix, mode=DrainMode(mode)) for prefix, mode in pairs)

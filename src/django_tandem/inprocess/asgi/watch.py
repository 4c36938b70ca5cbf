"""What this process holds open, whether its generation drains, and when each is to end."""

import asyncio
import os
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from django_tandem.inprocess import draining
from django_tandem.inprocess.draining import announced_at

# A look at a file that is not there takes a few microseconds.
POLL_S = 0.15
# The rest of the window is for closing handshakes, and for the project's own last steps.
SPREAD = 0.9
# The least that the project's code gets after it was told, however late that was.
LEAST_S = 3.0


class Held(Protocol):
    """A WebSocket or a stream: ``kind`` says which, ``is_ending`` that its moment has come."""

    kind: str
    is_ending: bool

    async def end(self, window_s: float) -> None:
        """Say goodbye to the client and to the project."""

    def cancel(self) -> None:
        """End what the project's code still does."""


class Watch:
    """Looks for the word to drain as long as something is held, and gives each its moment."""

    def __init__(self, run_dir: Path, generation: int) -> None:
        self._run_dir = run_dir
        self._generation = generation
        self._timers: dict[Held, asyncio.TimerHandle | None] = {}
        self._goodbyes: set[asyncio.Task[None]] = set()
        self._told: float | None = None
        self.is_looking = False

    def hold(self, held: Held) -> None:
        """Have ``held`` end when the generation drains."""
        self._timers[held] = None
        if not self.is_looking:
            self._look()
        if self._timers[held] is None and self._told is not None:
            left_s = self._left_s() or 0.0
            self._set(held, SPREAD * left_s * random.random())  # noqa: S311

    def release(self, held: Held) -> None:
        """Forget ``held``, which has ended."""
        timer = self._timers.pop(held, None)
        if timer is not None:
            timer.cancel()

    async def finish(self) -> None:
        """Wait for the project's code that was told to end, but not for long."""
        until = time.monotonic() + LEAST_S
        while any(held.is_ending for held in self._timers) and time.monotonic() < until:
            await asyncio.sleep(POLL_S)

    def _look(self) -> None:
        # A file is seen by every server, whatever it does with signals, and by every process of
        # one that has several; and the runtime need not know which they are.
        self.is_looking = bool(self._timers)
        if not self.is_looking:
            return
        told = announced_at(self._run_dir, self._generation)
        if told != self._told:
            self._told = told
            self._give_moments()
        asyncio.get_running_loop().call_later(POLL_S, self._look)

    def _give_moments(self) -> None:
        left_s = self._left_s()
        for timer in self._timers.values():
            if timer is not None:
                timer.cancel()
        if left_s is None:
            return
        for held in [held for held in self._timers if held.is_ending]:
            self._set(held, max(left_s, LEAST_S))
        for kind in sorted({held.kind for held in self._timers}):
            waiting = [h for h in self._timers if h.kind == kind and not h.is_ending]
            for held, at in zip(waiting, moments(len(waiting)), strict=True):
                self._set(held, SPREAD * left_s * at)

    def _left_s(self) -> float | None:
        return draining.left_s(self._run_dir, self._generation)

    def _set(self, held: Held, after_s: float) -> None:
        act = held.cancel if held.is_ending else lambda: self._end(held)
        self._timers[held] = asyncio.get_running_loop().call_later(after_s, act)

    def _end(self, held: Held) -> None:
        held.is_ending = True
        window_s = draining.window_s(self._run_dir, self._generation) or 0.0
        goodbye = asyncio.get_running_loop().create_task(held.end(window_s))
        self._goodbyes.add(goodbye)
        goodbye.add_done_callback(self._goodbyes.discard)
        self._set(held, max(self._left_s() or 0.0, LEAST_S))


def moments(count: int) -> Iterable[float]:
    """Return ``count`` moments between 0 and 1: each random, all spread, in no order."""
    drawn = [(place + random.random()) / count for place in range(count)]  # noqa: S311
    random.shuffle(drawn)
    return drawn


def own_watch() -> Watch | None:
    """Return the watch for the generation that this process is of, if it is of one."""
    run_dir = os.environ.get(draining.RUN_DIR_VARIABLE)
    generation = os.environ.get(draining.GENERATION_VARIABLE)
    return Watch(Path(run_dir), int(generation)) if run_dir and generation else None

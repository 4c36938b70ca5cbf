"""The lag of an event loop: how late a timer of it fires, a few times a second."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

EVERY_S = 0.25
# The longest lag is that of the last ten seconds.
REMEMBERED = 40

# Receives the last lag, the longest one, and when the timer is due on the monotonic clock.
Report = Callable[[float, float, float], None]


class LoopLag:
    """Measures the lag of the loop that it is started on, and reports each measurement."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due = 0.0
        self._lags: deque[float] = deque([0.0], maxlen=REMEMBERED)

    def start(self) -> None:
        """Measure the running loop, once."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._schedule(loop)
            self._report(0.0, 0.0, self._due)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = time.monotonic() + EVERY_S
        loop.call_later(EVERY_S, self._measure, loop)

    def _measure(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        self._lags.append(max(0.0, time.monotonic() - self._due))
        # Before the report, which may fail.
        self._schedule(loop)
        self._report(self._lags[-1], max(self._lags), self._due)

"""supervisord's event loop: subscribe to its events, and end its wait of up to a second."""

import contextlib
import heapq
import itertools
import os
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

from supervisor import events

# Below it, a timer would end at once or never.
MINIMUM_S = 0.001


def subscribe(event: type, act: Callable[[Any], None]) -> None:
    """Call ``act`` for each such event; an exception is printed and must not end supervisord."""

    def guarded(happened: Any) -> None:
        try:
            act(happened)
        except Exception:  # noqa: BLE001 - a full disk, for one, is no reason to stop serving
            traceback.print_exc()

    events.subscribe(event, guarded)


class SelfPipe:
    """A pipe in supervisord's event loop, into which the kernel writes each signal's number."""

    def __init__(self, supervisord: Any) -> None:
        # A heap of (due on the monotonic clock, sequence number, callback).
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        # When the loop has last run, on that clock.
        self.ran_at = time.monotonic()
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        supervisord.options.get_socket_map()[self._reader] = self

    def wake(self) -> None:
        """Have supervisord run its loop once more at once."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"\0")

    def call_later(self, delay_s: float, act: Callable[[], None]) -> None:
        """Call ``act`` in supervisord's loop after ``delay_s``."""
        # The handler does nothing: a signal may interrupt anything.
        signal.signal(signal.SIGALRM, lambda *_: None)
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._numbers), act))
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timers:
            # Zero would set none.
            left_s = max(MINIMUM_S, self._timers[0][0] - time.monotonic())
            signal.setitimer(signal.ITIMER_REAL, left_s)

    def close(self) -> None:
        """Call nothing more: Python's end resets the handlers, and a signal would kill it."""
        self._timers.clear()
        signal.setitimer(signal.ITIMER_REAL, 0)

    def readable(self) -> bool:
        """Return whether the loop should read; supervisord asks each dispatcher in each round."""
        self.ran_at = time.monotonic()
        return True

    def writable(self) -> bool:
        """Return whether the loop should write."""
        return False

    def handle_read_event(self) -> None:
        """Read the numbers of the signals that came, and call what is due."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)
        try:
            while self._timers and self._timers[0][0] <= time.monotonic():
                heapq.heappop(self._timers)[2]()
        finally:
            # Also after one that raises: supervisord prints that, and the others are still due.
            self._set_timer()

    def handle_error(self) -> None:
        """Print the exception that is being handled."""
        traceback.print_exc()

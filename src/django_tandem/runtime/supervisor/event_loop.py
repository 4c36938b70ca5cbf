"""supervisord's event loop: subscribe to its events, and end its wait of up to a second."""

import contextlib
import os
import signal
import traceback
from collections.abc import Callable
from typing import Any

from supervisor import events


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
        self._on_signal: dict[int, Callable[[], None]] = {}
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
        """Call ``act`` in supervisord's loop after ``delay_s``, in place of an earlier call."""
        # The handler does nothing: a signal may interrupt anything.
        signal.signal(signal.SIGALRM, lambda *_: None)
        self._on_signal[signal.SIGALRM] = act
        signal.setitimer(signal.ITIMER_REAL, delay_s)

    def readable(self) -> bool:
        """Return whether the loop should read; the interface of supervisord's dispatchers."""
        return True

    def writable(self) -> bool:
        """Return whether the loop should write."""
        return False

    def handle_read_event(self) -> None:
        """Read the numbers of the signals that came, and call what waits for one."""
        with contextlib.suppress(BlockingIOError):
            for number in os.read(self._reader, 4096):
                act = self._on_signal.pop(number, None)
                if act is not None:
                    act()

    def handle_error(self) -> None:
        """Print the exception that is being handled."""
        traceback.print_exc()

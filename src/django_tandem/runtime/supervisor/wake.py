"""What ends supervisord's wait: it looks at a signal only when a second is over or output came."""

import contextlib
import os
import signal
import traceback
from collections.abc import Callable
from typing import Any


class Wake:
    """A pipe among what supervisord listens to: the kernel writes each signal's number in it."""

    def __init__(self, supervisord: Any) -> None:
        self._heard: dict[int, Callable[[], None]] = {}
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        supervisord.options.get_socket_map()[self._reader] = self

    def at_once(self) -> None:
        """Have supervisord go once more through all that it looks after."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"\0")

    def after(self, delay_s: float, act: Callable[[], None]) -> None:
        """Call ``act`` in supervisord's loop after ``delay_s``; there is one such call at most."""
        # The handler does nothing: a signal may come in the middle of anything.
        signal.signal(signal.SIGALRM, lambda *_: None)
        self._heard[signal.SIGALRM] = act
        signal.setitimer(signal.ITIMER_REAL, delay_s)

    def readable(self) -> bool:
        """Say that there may be something to read, as supervisord asks."""
        return True

    def writable(self) -> bool:
        """Say that nothing is to be written."""
        return False

    def handle_read_event(self) -> None:
        """Read which signals came, and do what waits for one."""
        with contextlib.suppress(BlockingIOError):
            for number in os.read(self._reader, 4096):
                act = self._heard.pop(number, None)
                if act is not None:
                    act()

    def handle_error(self) -> None:
        """Tell what failed, as supervisord asks."""
        traceback.print_exc()

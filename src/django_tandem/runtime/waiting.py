"""Asking again and again until something holds: how often, and for how long."""

import time
from collections.abc import Callable

# Often enough for a person, and cheap enough for what asks supervisord each time.
POLL_S = 0.05


class Deadline:
    """So many seconds from now."""

    def __init__(self, whole_s: float) -> None:
        self.whole_s = whole_s
        self._until = time.monotonic() + whole_s

    @property
    def is_over(self) -> bool:
        """Whether they have gone by."""
        return time.monotonic() > self._until


def wait_until(holds: Callable[[], bool], within_s: float, *, each_s: float = POLL_S) -> bool:
    """Ask until it ``holds``, at least once, and return whether it did ``within_s``."""
    deadline = Deadline(within_s)
    while not holds():
        if deadline.is_over:
            return False
        time.sleep(each_s)
    return True

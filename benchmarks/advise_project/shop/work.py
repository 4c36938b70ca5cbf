"""Work for the CPU: so many milliseconds of the thread that calls, on a machine of any speed."""

import time
import zlib

_PAGE = bytes(range(256)) * 64


def compute(ms: float) -> int:
    """Compute in Python, with the GIL."""
    until = time.thread_time() + ms / 1000
    found = 0
    while time.thread_time() < until:
        found += sum(range(200))
    return found


def compress(ms: float) -> int:
    """Compute in C, without the GIL."""
    until = time.thread_time() + ms / 1000
    found = 0
    while time.thread_time() < until:
        found += len(zlib.compress(_PAGE, 9))
    return found

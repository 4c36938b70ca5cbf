"""The CPU priority of what loads the project, or drains, while a generation serves."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

# That of the WSGI workers, which serve in the meantime (docs/decisions/016).
NICENESS = 10


def yield_cpus() -> None:
    """Give this process, and what it starts, no more than the priority of the WSGI workers."""
    # A second call changes nothing: a command of root's is executed again as another user.
    _set(max(NICENESS, _niceness()))


@contextlib.contextmanager
def yielding_cpus() -> Iterator[None]:
    """Yield the CPUs in the block, where this process may raise its priority again."""
    before = _niceness()
    if not may_raise():
        yield
        return
    yield_cpus()
    try:
        yield
    finally:
        _set(before)


def may_raise() -> bool:
    """
    Return whether this process may raise a priority that it has lowered.

    Tried on a thread, which has its own on Linux: root of a user namespace has the capability, and
    may not.
    """
    if sys.platform != "linux":
        return False
    allowed = []

    def attempt() -> None:
        before = _niceness()
        _set(before + 1)
        with contextlib.suppress(OSError):
            _set(before)
            allowed.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return bool(allowed)


def _niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


def _set(niceness: int) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, niceness)

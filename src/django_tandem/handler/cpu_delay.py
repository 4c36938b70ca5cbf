"""The time in which a thread could compute and had no CPU, as the kernel of Linux counts it."""

import os
import random
import threading
from collections.abc import Callable

SCHEDULING = "/proc/thread-self/schedstat"
# So many requests a second show how long those of a process are delayed.
SAMPLES_PER_S = 100
RATE_EVERY_S = 1.0


class _Statistics:
    """The open file of one thread, which is closed when the thread ends."""

    def __init__(self) -> None:
        try:
            self._file = os.open(SCHEDULING, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            # Another system, or a kernel without the statistics.
            self._file = -1

    def __del__(self) -> None:
        if self._file >= 0:
            os.close(self._file)

    def read_s(self) -> float:
        if self._file < 0:
            return 0.0
        # On the CPU and in its queue, both in nanoseconds, and how often.
        return int(os.pread(self._file, 64, 0).split(b" ", 2)[1]) / 1e9


_of_thread = threading.local()


def thread_delay() -> float:
    """Return the seconds that the current thread was in the queue of a CPU, 0 if not known."""
    try:
        statistics: _Statistics = _of_thread.statistics
    except AttributeError:
        statistics = _of_thread.statistics = _Statistics()
    return statistics.read_s()


def _close_file_of_parent() -> None:
    # Not by comparing pids, which would be a system call for each request.
    _of_thread.__dict__.clear()


os.register_at_fork(after_in_child=_close_file_of_parent)


class DelaySampling:
    """
    Chooses the requests of a process whose delay is read.

    All of them where there are at most SAMPLES_PER_S, else a share of them by chance, so that no
    route whose requests follow a pattern is left out.
    """

    def __init__(self, chance: Callable[[], float] | None = None) -> None:
        # Not the generator that the project may have seeded.
        self._chance = chance or random.Random().random  # noqa: S311 - nothing secret
        self._weight = 1.0
        self._requests = 0
        self._counted_since = 0.0

    def weigh(self, now: float) -> float:
        """
        Return how many requests the next one stands for, 0 for one whose delay is not read.

        It begins at ``now``, of the monotonic clock.
        """
        self._requests += 1
        seconds = now - self._counted_since
        if seconds >= RATE_EVERY_S:
            self._weight = max(1.0, self._requests / seconds / SAMPLES_PER_S)
            self._requests, self._counted_since = 0, now
        return self._weight if self._chance() * self._weight < 1.0 else 0.0

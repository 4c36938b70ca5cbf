"""The time in which a thread could compute and had no CPU, as the kernel of Linux counts it."""

import os
import threading

SCHEDULING = "/proc/thread-self/schedstat"


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

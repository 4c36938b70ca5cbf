"""The time in which a thread could compute and had no CPU, as the kernel of Linux counts it."""

import os
import threading

SCHEDULING = "/proc/thread-self/schedstat"


class _Clock(threading.local):
    """The open file of one thread; a forked process needs another one."""

    pid = 0
    file = -1

    def read_s(self) -> float:
        if self.pid != os.getpid():
            self.pid = os.getpid()
            try:
                self.file = os.open(SCHEDULING, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                # Another system, or a kernel without the statistics.
                self.file = -1
        if self.file < 0:
            return 0.0
        # On the CPU and in its queue, both in nanoseconds, and how often.
        return int(os.pread(self.file, 64, 0).split(b" ", 2)[1]) / 1e9


_clock = _Clock()


def thread_delay() -> float:
    """Return the seconds that the current thread was in the queue of a CPU, 0 if not known."""
    return _clock.read_s()

"""The clocks that Linux has for the CPU time of each process, and of each thread of this one."""

import sys
import time

# The kinds of clock in the low bits of its number, as clock_getcpuclockid(3) makes it.
_OF_PROCESS, _OF_THREAD = 0b010, 0b110


def process_cpu_s(pid: int) -> float | None:
    """
    Return the CPU time of all threads of a process, without its children.

    /proc has it in ticks of 10 ms, which is too coarse for the sum of many processes in a few
    seconds. None where the process has ended, or the system has no such clock.
    """
    return _read_s(pid, _OF_PROCESS)


def thread_cpu_s(native_id: int) -> float | None:
    """
    Return the CPU time of a thread of this process, by the identifier that the kernel gave it.

    time.pthread_getcpuclockid() may crash for a thread that has ended: here that is None.
    """
    return _read_s(native_id, _OF_THREAD)


def _read_s(number: int, kind: int) -> float | None:
    # The kernel has 0 for whoever reads.
    if sys.platform != "linux" or number <= 0:
        return None
    try:
        return time.clock_gettime((~number << 3) | kind)
    except OSError:
        return None

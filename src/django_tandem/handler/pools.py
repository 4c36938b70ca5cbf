"""The two thread pools of this process, and how many threads they have."""

import atexit
import functools
import math
import os
from typing import Any

from django.conf import settings

from django_tandem import environment
from django_tandem.errors import SettingError
from django_tandem.handler.thread_pool import PoolCounts, ThreadPool

PATH = 'TANDEM["ASGI"]["THREADS"]'

# Python's own pool allows four threads for I/O in addition to those that compute. One process has
# one interpreter lock, so more than these only contend for it, each with a database connection.
IO_THREADS = 4
MAX_THREADS = 12


@functools.cache
def request_pool() -> ThreadPool:
    """Return the pool of this process for requests; its size is read when it is first used."""
    return _register(ThreadPool(thread_count()))


@functools.cache
def consumer_pool() -> ThreadPool:
    """Return a pool as large for consumers, which slow requests must not keep waiting."""
    return _register(ThreadPool(thread_count(), rejects=False))


def request_counts() -> PoolCounts | None:
    """Return the counts of the requests' pool; None before a request has used it."""
    return request_pool().counts() if request_pool.cache_info().currsize else None


def thread_count() -> int:
    """
    Return the largest number of threads that run sync code in this process.

    Raises SettingError for anything but an integer of at least 1 or "auto".
    """
    variable = os.environ.get(environment.THREADS)
    is_number = variable is not None and variable.isdecimal()
    given: Any = int(variable or 0) if is_number else variable or asgi_setting("THREADS")
    if given == "auto":
        return auto_threads(_cpu_count())
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return given
    raise SettingError(
        f"{environment.THREADS if variable else PATH} is {given!r}.",
        hint='Expected an integer of at least 1, or "auto".',
    )


def auto_threads(cpus: float) -> int:
    """Return the number of threads for a process that may use so many CPUs."""
    return min(math.ceil(cpus) + IO_THREADS, MAX_THREADS)


def asgi_setting(name: str) -> Any:
    """Return an option of TANDEM["ASGI"] as the project has it; "auto" if it has none."""
    tandem = getattr(settings, "TANDEM", None) or {}
    return (tandem.get("ASGI") or {}).get(name, "auto")


def _cpu_count() -> int:
    # Without a plan, which counts the quota of a container too: those this process may run on.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _register(pool: ThreadPool) -> ThreadPool:
    os.register_at_fork(after_in_child=pool.reset)
    atexit.register(pool.close)
    return pool

"""How many threads run sync code, how many requests wait for one, and for how long."""

import os
from typing import Any

from django.conf import settings

from django_tandem.errors import SettingError

VARIABLE = "TANDEM_THREADS"
PATH = 'TANDEM["ASGI"]["THREADS"]'

# Python's own pool allows four threads for I/O beside those that compute. One process has one
# interpreter lock, so more than these only contend for it, each with a database connection.
IO_THREADS = 4
MAX_THREADS = 12

# Threads beyond the bound, held by requests that await something while others need a thread. Each
# may hold a database connection, and PostgreSQL allows a hundred by default.
MAX_OVERFLOW = 100

# As many as Gunicorn lets into a WSGI worker: it leaves further clients unanswered.
MAX_QUEUED = 1000

# A client that waits for longer has left, or retries and makes the queue longer.
MAX_WAIT_S = 10.0
RETRY_AFTER_S = 5


def thread_count() -> int:
    """
    Return the largest number of threads that run sync code in this process.

    Raises SettingError for anything but an integer of at least 1 or "auto".
    """
    variable = os.environ.get(VARIABLE)
    given: Any = int(variable) if variable and variable.isdecimal() else variable or _setting()
    if given == "auto":
        return min(_cpu_count() + IO_THREADS, MAX_THREADS)
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return given
    raise SettingError(
        f"{VARIABLE if variable else PATH} is {given!r}.",
        hint='Expected an integer of at least 1, or "auto".',
    )


def _setting() -> Any:
    tandem = getattr(settings, "TANDEM", None) or {}
    return (tandem.get("ASGI") or {}).get("THREADS", "auto")


def _cpu_count() -> int:
    # The CPUs this process may run on: a container or taskset can leave it fewer than there are.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""How many threads run sync code, how many requests wait for one, and for how long."""

import os
from typing import Any

from django.conf import settings

from django_tandem import environment
from django_tandem.errors import SettingError

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
    variable = os.environ.get(environment.THREADS)
    is_number = variable is not None and variable.isdecimal()
    given: Any = int(variable or 0) if is_number else variable or asgi_setting("THREADS")
    if given == "auto":
        return min(_cpu_count() + IO_THREADS, MAX_THREADS)
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return given
    raise SettingError(
        f"{environment.THREADS if variable else PATH} is {given!r}.",
        hint='Expected an integer of at least 1, or "auto".',
    )


def asgi_setting(name: str) -> Any:
    """Return an option of TANDEM["ASGI"] as the project has it; "auto" if it has none."""
    tandem = getattr(settings, "TANDEM", None) or {}
    return (tandem.get("ASGI") or {}).get(name, "auto")


def _cpu_count() -> int:
    # The CPUs this process may run on: a container or taskset can leave it fewer than there are.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

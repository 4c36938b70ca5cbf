"""How many threads there are, how many requests wait for one, and for how long."""

import os
from typing import Any

from django.conf import settings

from django_tandem.errors import SettingError

VARIABLE = "TANDEM_THREADS"
PATH = 'TANDEM["ASGI"]["THREADS"]'

# Python's own pool allows four threads for waiting beside those that compute. One process has
# one interpreter lock, so more than these wait for each other, and each is a database connection.
WAITING_THREADS = 4
MOST_THREADS = 12

# As many as Gunicorn lets into a WSGI worker: beyond them it leaves the client unanswered.
WAITING_REQUESTS = 1000

# Who waits for longer has gone, or asks again and makes the queue longer.
LONGEST_WAIT_S = 10
RETRY_AFTER_S = 5

# How often the event loop may go round until a request has heard what its thread answered, and
# has asked for it again: twice as often as the longest way that was found. Who has not asked
# then awaits something else. Not a time, for a busy loop is late itself.
ROUNDS = 10


def threads() -> int:
    """
    Return how many threads run sync code, at most, in this process.

    Raises SettingError for what is neither a whole number from 1 on nor "auto".
    """
    told = os.environ.get(VARIABLE)
    given: Any = int(told) if told and told.isdecimal() else told or _from_settings()
    if given == "auto":
        return min(_cpus() + WAITING_THREADS, MOST_THREADS)
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return given
    raise SettingError(
        f"{VARIABLE if told else PATH} is {given!r}.",
        hint='It takes a whole number from 1 on, or "auto".',
    )


def _from_settings() -> Any:
    whole = getattr(settings, "TANDEM", None) or {}
    return (whole.get("ASGI") or {}).get("THREADS", "auto")


def _cpus() -> int:
    # The CPUs this process may run on: a container or taskset can leave it fewer than there are.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

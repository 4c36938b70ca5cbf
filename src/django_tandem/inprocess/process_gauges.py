"""The lag of a process's event loop, and the database connections that it has open."""

import asyncio
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from django.db.backends.signals import connection_created

EVERY_S = 0.25
# The longest lag is that of the last ten seconds.
REMEMBERED = 40

# Receives the last lag, the longest one, and when the timer is due on the monotonic clock.
Report = Callable[[float, float, float], None]


class LoopLag:
    """Measures the lag of the loop that it is started on, and reports each measurement."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due = 0.0
        self._lags: deque[float] = deque([0.0], maxlen=REMEMBERED)

    def start(self) -> None:
        """Measure the running loop, once."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._schedule(loop)
            self._report(0.0, 0.0, self._due)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = time.monotonic() + EVERY_S
        loop.call_later(EVERY_S, self._measure, loop)

    def _measure(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        self._lags.append(max(0.0, time.monotonic() - self._due))
        # Before the report, which may fail.
        self._schedule(loop)
        self._report(self._lags[-1], max(self._lags), self._due)


# Of each thread's connection of an alias, from the first time it was opened.
_known_connections: "set[weakref.ref[Any]]" = set()


def watch_connections() -> None:
    """Know each connection that is opened from now on."""
    connection_created.connect(_add_connection, dispatch_uid="django_tandem")


def _add_connection(connection: Any, **_: Any) -> None:
    _known_connections.add(weakref.ref(connection, _known_connections.discard))


def count_open_connections() -> dict[str, int]:
    """Return the open connections by alias; with a pool, those that are in use."""
    counts: dict[str, int] = {}
    # The list is made at once: other threads may add to it.
    for connection in [reference() for reference in list(_known_connections)]:
        if connection is not None and connection.connection is not None:
            # A Counter would ask all mappings of the process, which copies their memory.
            counts[connection.alias] = counts.get(connection.alias, 0) + 1
    return counts

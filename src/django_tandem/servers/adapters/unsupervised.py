"""
The stop of a master that nothing supervises: as a rule process 1 of a container.

It goes through the moments that runtime/supervisor/shutdown.py has for a whole stack: it is marked,
still serves for a delay, then refuses connections, finishes requests in flight, closes WebSockets
and streams over a window, and ends.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from django_tandem import environment
from django_tandem.inprocess import drain_window
from django_tandem.model import StopBudget, StopTimes, stop_budget
from django_tandem.model.state import STOPPING_FILE
from django_tandem.servers.adapters import addresses

# How long a handshake may take that has begun.
ESTABLISHED_S = 0.1
# How long an idle worker takes to end.
IDLE_S = 0.3


class Master(Protocol):
    """The calls of the stop on its master."""

    def listeners(self) -> list[Any]:
        """Return the listening sockets, none once they are closed."""

    def count_workers(self) -> int:
        """Return how many workers run."""

    def drain_workers(self) -> None:
        """Have each worker finish what it has begun, and end."""

    def report(self, text: str) -> None:
        """Log a line."""


class MasterShutdown:
    """
    One stop of a master, advanced in each round of its loop.

    ``clock`` returns seconds, as time.monotonic() does.
    """

    def __init__(
        self, master: Master, times: StopTimes, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._master, self._times, self._clock = master, times, clock
        self._budget: StopBudget | None = None
        self._began_at = 0.0
        # Since when connections are refused, since when the workers finish.
        self._refused_at: float | None = None
        self._drained_at: float | None = None
        self._is_shut = False

    @property
    def has_begun(self) -> bool:
        """Whether the signal has come."""
        return self._budget is not None

    @property
    def is_refusing(self) -> bool:
        """Whether the delay is over: no worker is started any more."""
        return self._refused_at is not None

    @property
    def left_s(self) -> float:
        """How long the servers still have until they are killed."""
        end_s = self._budget.servers_end_s if self._budget else 0.0
        return max(0.0, end_s - self._elapsed_s())

    def begin(self, *, has_served: bool, is_interactive: bool = False) -> None:
        """Mark the stop; a master that has never served has no delay."""
        if self.has_begun:
            return
        self._began_at = self._clock()
        self._budget = stop_budget(
            self._times.stop_s,
            self._times.delay_s if has_served else 0,
            is_interactive=is_interactive,
        )
        # First of all: a load balancer is to send nothing more. On a full disk the stop continues.
        with contextlib.suppress(OSError):
            _run_dir().joinpath(STOPPING_FILE).touch(mode=0o600)
        self._master.report(self._budget.announcement)

    def advance(self) -> bool:
        """Do what is due; return whether the master is to end now."""
        budget = self._budget
        if budget is None:
            return False
        elapsed_s = self._elapsed_s()
        if self._refused_at is None and elapsed_s >= budget.refuse_at_s:
            self._refuse(budget)
        is_late = elapsed_s >= budget.servers_at_s
        if self._refused_at is not None and self._drained_at is None:
            # Each connection that waits to be accepted is a request that its client has sent.
            is_established = self._clock() >= self._refused_at + ESTABLISHED_S
            is_empty = is_established and not addresses.has_waiting(self._master.listeners())
            if is_empty or is_late:
                self._drained_at = self._clock()
                self._master.drain_workers()
        self._shut_busy()
        return self._drained_at is not None and (is_late or not self._master.count_workers())

    def _refuse(self, budget: StopBudget) -> None:
        self._refused_at = self._clock()
        addresses.refuse_new_connections(self._master.listeners())
        generation = int(os.environ.get(environment.GENERATION) or 0)
        # On a full disk the sockets end when their server does.
        with contextlib.suppress(OSError):
            drain_window.write(_run_dir(), generation, budget.window_s)

    def _shut_busy(self) -> None:
        # An idle worker would fail to accept; a busy one keeps the socket open as long as it works.
        if self._is_shut or self._drained_at is None:
            return
        if self._clock() >= self._drained_at + IDLE_S:
            self._is_shut = True
            addresses.shut_down(self._master.listeners())

    def _elapsed_s(self) -> float:
        return self._clock() - self._began_at


def _run_dir() -> Path:
    return Path(os.environ.get(environment.RUN_DIR) or ".")

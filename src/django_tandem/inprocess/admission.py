"""Admission: a WebSocket or an event stream acquires a permit of this process, or gets 503."""

import logging
import os
import random
import time

from django_tandem import environment
from django_tandem.handler.protocol import Scope
from django_tandem.inprocess.denial import Denial
from django_tandem.model import ConnectionLimits, read_limits

WEBSOCKET, STREAM = "websocket", "stream"
NAMES = {WEBSOCKET: "WebSocket", STREAM: "event stream"}
SETTINGS = {WEBSOCKET: "MAX_WEBSOCKETS", STREAM: "MAX_STREAMS"}
# Clients that were denied together do not return together.
RETRY_AFTER_S = (2, 10)
# Neither do those that were accepted together: each lasts this part of the greatest age, or more.
LEAST_OF_AGE = 0.8
# One line in this time, however many are denied.
LOG_EVERY_S = 10.0
EVENT_STREAM = b"text/event-stream"

logger = logging.getLogger("django_tandem.asgi")


class Permit:
    """
    The permit of one connection, until it is over.

    ``max_age_s`` is how long this connection may last, None for no bound.
    """

    __slots__ = ("_admission", "_kind", "max_age_s")

    def __init__(self, admission: "Admission", kind: str) -> None:
        self._admission: Admission | None = admission
        self._kind = kind
        self.max_age_s = _jittered(admission.ages[kind])

    def release(self) -> None:
        """Release the permit; a second call has no effect."""
        if self._admission is not None:
            self._admission.open[self._kind] -= 1
            self._admission = None


class Admission:
    """The permits of this process, which belong to one event loop, so that the count is exact."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.bounds = {WEBSOCKET: limits.websockets, STREAM: limits.streams}
        self.ages = {WEBSOCKET: limits.ages.websockets_s, STREAM: limits.ages.streams_s}
        self.open = {WEBSOCKET: 0, STREAM: 0}
        self.refused = 0
        self._unlogged = dict.fromkeys(self.open, 0)
        self._logged_at = dict.fromkeys(self.open, -LOG_EVERY_S)

    def acquire(self, kind: str) -> Permit | None:
        """Acquire a permit for a connection of ``kind``; None beyond the bound."""
        bound = self.bounds[kind]
        if bound is not None and self.open[kind] >= bound:
            self.refused += 1
            self._log(kind)
            return None
        return self.acquire_unbounded(kind)

    def acquire_unbounded(self, kind: str) -> Permit:
        """Acquire a permit, also beyond the bound, for a response that must not be denied."""
        self.open[kind] += 1
        return Permit(self, kind)

    def _log(self, kind: str) -> None:
        self._unlogged[kind] += 1
        now = time.monotonic()
        if now - self._logged_at[kind] < LOG_EVERY_S:
            return
        logger.warning(
            "Rejected %d %s%s with 503: this process has %d open, the limit of "
            'TANDEM["ASGI"]["%s"].',
            self._unlogged[kind],
            NAMES[kind],
            "" if self._unlogged[kind] == 1 else "s",
            self.open[kind],
            SETTINGS[kind],
        )
        self._logged_at[kind], self._unlogged[kind] = now, 0


def _jittered(age_s: float | None) -> float | None:
    return None if age_s is None else age_s * random.uniform(LEAST_OF_AGE, 1)  # noqa: S311


def from_environment() -> Admission:
    """Return the admission with the bounds that the environment passes to this process."""
    return Admission(read_limits(os.environ.get(environment.CONNECTIONS, "")))


def denial() -> Denial:
    """Return the response to a connection beyond the bound."""
    return Denial(status=503, retry_after_s=random.randint(*RETRY_AFTER_S))  # noqa: S311


def asks_for_stream(scope: Scope) -> bool:
    """Return whether a GET accepts an event stream by name, as EventSource does."""
    # A client that accepts both a page and a stream, as those of MCP do, names both in its POST.
    return scope["method"] == "GET" and any(
        name == b"accept" and EVENT_STREAM in value for name, value in scope["headers"]
    )

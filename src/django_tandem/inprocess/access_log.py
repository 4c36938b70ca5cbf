"""What only a stack knows of a request: a header for the edge, which logs and counts it."""

import functools
import os
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from django_tandem import environment
from django_tandem.inprocess import json_logging

# The edge removes them from the response. One for all that each request has: a server checks and
# the edge parses each header.
REQUEST_HEADER = "X-Tandem-Request"
EXCEPTION_HEADER = "X-Tandem-Exception"
# By which the edge names the route of a WebSocket to its stack.
ROUTE_HEADER = "X-Tandem-Route"
# When the edge sent the request.
START_HEADER = "x-request-start"
# A regular expression may be of any length, and a header of the edge's buffer may not.
LONGEST_ROUTE = 500
# Routes that are remembered as headers: more than a URLconf has.
REMEMBERED = 4096
# Without a CPU, or on an event loop that it blocks; a shorter time is not sent.
LEAST_SENT_S = 0.001

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_START = re.compile(r"t=([0-9]{1,12}\.[0-9]{1,6})")

Headers = list[tuple[str, str]]


class CpuUse(NamedTuple):
    """
    The seconds on the CPU, and those in which it could compute and had no CPU.

    For ``blocked_s`` it kept an event loop from other requests.
    """

    used_s: float
    delay_s: float = 0.0
    blocked_s: float = 0.0


def is_enabled() -> bool:
    """Return whether the edge reads the headers."""
    return json_logging.is_enabled() or os.environ.get(environment.MONITOR) == "1"


def describe(route: str, queue_s: float, cpu: CpuUse | None = None, exception: str = "") -> Headers:
    """
    Return the headers for a request of ``route``.

    It waited for ``queue_s`` seconds, and has used the CPU as ``cpu`` says. ``exception`` is the
    type that its view has raised. The route is last, as it may have spaces, and begins with a
    slash, as no number does.
    """
    if cpu is None:
        text = f"{queue_s:.3f}"
    else:
        used_s, delay_s, blocked_s = cpu
        text = f"{queue_s:.3f} {used_s:.6f}"
        if delay_s >= LEAST_SENT_S or blocked_s >= LEAST_SENT_S:
            text = f"{text} {delay_s:.6f} {blocked_s:.6f}"
    if route:
        text = f"{text} {header_text(route)}"
    found = [(REQUEST_HEADER, text)]
    if exception:
        found.append((EXCEPTION_HEADER, header_text(exception)))
    return found


@functools.lru_cache(REMEMBERED)
def header_text(route: str) -> str:
    """Return a route as its header has it: in ASCII on one line, and not too long."""
    # Some servers reject any other.
    text = _CONTROL.sub(" ", route[:LONGEST_ROUTE])
    return text.encode("ascii", "backslashreplace").decode()


def queued_s(start: str, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds since the edge sent the request; None without its header."""
    found = _START.fullmatch(start)
    # The clock may have been set back.
    return max(0.0, now() - float(found[1])) if found else None

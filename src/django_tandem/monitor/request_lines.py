"""A line of the edge → a RequestLine: what one request was, who answered it, how long it took."""

import json
from math import inf
from typing import NamedTuple

from django_tandem.monitor.minutes import EDGE_FILES, UNMATCHED

# What answered where no stack did.
EDGE = "edge"
EVENT_STREAM = "text/event-stream"
# As numbers: to compare with HTTPStatus takes a twentieth of the time of a line.
SWITCHING_PROTOCOLS, OK = 101, 200


class RequestLine(NamedTuple):
    """
    One finished request; ``at`` is its end in seconds since the epoch.

    A tuple, which is made four times as fast as a frozen dataclass of so many fields.
    ``stack`` is that which answered, "wsgi", "asgi" or "edge"; ``handed_over`` is true where the
    other one had handed it over. ``worker_s`` is the time since the edge connected to the stack.
    It, ``queue_s`` and ``cpu_s`` are None where no worker answered, or the stack did not send them.
    ``delay_s`` is how long it could compute and had no CPU, ``blocked_s`` how long it kept an event
    loop.
    Accepted WebSockets and event streams are ``is_long``; a rejected handshake is a request like
    any other. The path has no query.
    """

    at: float
    status: int
    method: str
    stack: str
    handed_over: bool
    route: str
    duration_s: float
    worker_s: float | None
    queue_s: float | None
    cpu_s: float | None
    delay_s: float
    blocked_s: float
    bytes_sent: int
    is_long: bool
    request_id: str
    path: str


def parse(line: str) -> RequestLine:
    """
    Read a line of `log_format tandem_monitor`; raises ValueError for a damaged one.

    One field is the stack's header, as access_log.describe() makes it. The route is in it, or is
    the edge's, of what no worker has answered.
    """
    (
        at, status, method, by, answered, edge_route, duration, upstream, sent, content_type,
        request_id, path,
    ) = line.split("\t")  # fmt: skip
    first, _, second = by.partition(">")
    stack = second or first
    times, slash, rest = answered.partition("/")
    queue, used, delay, blocked = (*times.split(" "), "", "", "")[:4]
    route = slash + rest or edge_route or (EDGE_FILES if stack == EDGE else UNMATCHED)
    if "\\" in line:
        route, path = _unescaped(route), _unescaped(path)
    code = int(status)
    return RequestLine(
        float(at),
        code,
        method,
        stack,
        bool(second),
        route,
        float(duration),
        _worker_s(upstream) if stack != EDGE else None,
        _seconds(queue) if queue else None,
        _seconds(used) if used else None,
        # Few have been without a CPU.
        (_seconds(delay) or 0.0) if delay else 0.0,
        (_seconds(blocked) or 0.0) if blocked else 0.0,
        int(sent),
        # Not by the request's Upgrade: any client may send it, and a handshake may fail.
        code == SWITCHING_PROTOCOLS or (code == OK and content_type.startswith(EVENT_STREAM)),
        request_id,
        path,
    )


def _worker_s(upstream: str) -> float | None:
    # After a handover the times of both stacks, such as "0.002 : 0.014"; "-" without a response.
    last = upstream.rpartition(" ")[2]
    return None if last in ("", "-") else float(last)


def _seconds(text: str) -> float | None:
    # The project's own code may have sent the header as well.
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0.0 <= found < inf else None


def _unescaped(text: str) -> str:
    # As escape=json has written it.
    return str(json.loads(f'"{text}"'))

"""The requests of a log that are sent again: those of its busiest time, and why others are not."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from django_tandem.bench.replay.access_logs import LoggedRequest
from django_tandem.bench.workload import Replay, TimedRequest
from django_tandem.monitor.request_lines import EDGE

# More would take longer to write down than to measure.
MOST_REQUESTS = 20_000
# A longer response is a stream or a WebSocket, which a replay would not end.
LONGEST_S = 30.0

FILES = "files, and what the edge answered without a stack"
STREAMS = "WebSockets and responses of more than 30 s"
NO_PATH = "requests without a path"
BEYOND = f"requests after the first {MOST_REQUESTS:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """
    Which requests of a log are sent again.

    ``methods`` are those that are sent, within the busiest ``span_s`` seconds of the log.
    ``route_of`` returns the route of a target, "" for none, and ``is_file`` whether it is a file.
    """

    methods: Collection[str]
    span_s: float
    route_of: Callable[[str], str]
    is_file: Callable[[str], bool]


def record(logged: Iterable[LoggedRequest], source: str, wanted: Selection) -> Replay:
    """Return the requests of ``logged`` that are sent again, at their times from 0 on."""
    known = sorted(logged, key=lambda each: each.began_at)
    reasons = [_why_left_out(each, wanted) for each in known]
    times = [each.began_at for each, why in zip(known, reasons, strict=True) if not why]
    began = busiest(times, wanted.span_s) if times else 0.0
    inside = [
        (each, why)
        for each, why in zip(known, reasons, strict=True)
        # Where none is sent, all of them explain why.
        if not times or began <= each.began_at < began + wanted.span_s
    ]
    kept = [each for each, why in inside if not why]
    left_out = Counter(why for _, why in inside if why)
    if len(kept) > MOST_REQUESTS:
        left_out[BEYOND] = len(kept) - MOST_REQUESTS
    return Replay(
        source=source,
        began=began,
        span_s=min(wanted.span_s, times[-1] - began) if times else 0.0,
        requests=tuple(_timed(each, began, wanted) for each in kept[:MOST_REQUESTS]),
        left_out=tuple(left_out.most_common()),
    )


def busiest(times: Sequence[float], span_s: float) -> float:
    """Return the first of the sorted ``times`` after which most of them lie within ``span_s``."""
    best = end = 0
    most = 0
    for start, time in enumerate(times):
        while end < len(times) and times[end] < time + span_s:
            end += 1
        if end - start > most:
            best, most = start, end - start
    return times[best]


def _why_left_out(request: LoggedRequest, wanted: Selection) -> str:
    if not request.target.startswith("/"):
        return NO_PATH
    if request.stack == EDGE or wanted.is_file(request.target):
        return FILES
    if request.status == 101 or (request.duration_s or 0.0) > LONGEST_S:
        return STREAMS
    return "" if request.method in wanted.methods else f"{request.method} requests"


def _timed(request: LoggedRequest, began: float, wanted: Selection) -> TimedRequest:
    return TimedRequest(
        at_s=round(request.began_at - began, 6),
        method=request.method,
        target=request.target,
        route=request.route or wanted.route_of(request.target),
        status=request.status,
    )

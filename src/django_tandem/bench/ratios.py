"""Rounds → figures: each topology's median, and its ratio to the baseline round by round."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from django_tandem.bench.measured import Report, Round, Row

# What of a round is a number: None where it was not measured.
Read = Callable[[Round], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """
    One number that is told of a row.

    ``title`` names it, ``unit`` follows it. ``more_is_better`` is None where it is neither.
    """

    name: str
    title: str
    unit: str
    read: Read
    more_is_better: bool | None = False
    digits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """The median of the ratios of each round, and the lowest and highest of them."""

    median: float
    low: float
    high: float


def _latency(percentile: str) -> Read:
    return lambda each: getattr(each.driven.latency, percentile, None)


def _socket_latency(percentile: str) -> Read:
    return lambda each: getattr(getattr(each.driven.sockets, "latency", None), percentile, None)


def _failed(each: Round) -> float:
    sockets = each.driven.sockets
    lost = sockets.wanted - sockets.opened + sockets.closed if sockets else 0
    return each.driven.failed + lost


REQUESTS = Figure(
    name="requests_per_second",
    title="requests/s",
    unit="/s",
    read=lambda each: each.driven.per_second,
    more_is_better=True,
)
P99 = Figure(name="p99_ms", title="p99", unit="ms", read=_latency("p99_ms"), digits=1)
SOCKET_P99 = Figure(
    name="socket_p99_ms", title="socket p99", unit="ms", read=_socket_latency("p99_ms"), digits=1
)
MEMORY = Figure(name="memory_mb", title="memory", unit="MB", read=lambda each: each.use.memory_mb)
FIGURES: tuple[Figure, ...] = (
    REQUESTS,
    Figure(name="p50_ms", title="p50", unit="ms", read=_latency("p50_ms"), digits=1),
    Figure(name="p95_ms", title="p95", unit="ms", read=_latency("p95_ms"), digits=1),
    P99,
    Figure(
        name="socket_p50_ms",
        title="socket p50",
        unit="ms",
        read=_socket_latency("p50_ms"),
        digits=1,
    ),
    SOCKET_P99,
    Figure(name="failed", title="failed", unit="", read=_failed),
    Figure(
        name="cpu_ms_a_request",
        title="CPU a request",
        unit="ms",
        read=lambda each: each.cpu_ms_a_request,
        digits=2,
    ),
    MEMORY,
    Figure(
        name="threads",
        title="threads",
        unit="",
        read=lambda each: each.use.threads,
        more_is_better=None,
    ),
    Figure(
        name="database_connections",
        title="DB connections",
        unit="",
        read=lambda each: each.use.database_connections,
        more_is_better=None,
    ),
)


def median(row: Row, figure: Figure) -> float | None:
    """Return the median over the row's rounds, None when no round has that number."""
    found = [number for each in row.rounds if (number := figure.read(each)) is not None]
    return statistics.median(found) if found else None


def ratio(row: Row, baseline: Row | None, figure: Figure) -> Ratio | None:
    """
    Return ``row`` over ``baseline``, of the rounds that both have finished; None of none.

    Each round is compared with its own neighbour, so that a slow spell of the machine, which
    meets both, is in neither.
    """
    if baseline is None:
        return None
    theirs = dict(zip(baseline.numbers, map(figure.read, baseline.rounds), strict=True))
    pairs = [
        (number, theirs.get(place))
        for place, number in zip(row.numbers, map(figure.read, row.rounds), strict=True)
    ]
    found = [over / under for over, under in pairs if over is not None and under]
    if not found:
        return None
    return Ratio(median=statistics.median(found), low=min(found), high=max(found))


def busiest(report: Report) -> float:
    """Return the most of one CPU that the load generator took in any round."""
    shares = (each.driven.generator_share for row in report.rows for each in row.rounds)
    return max(shares, default=0.0)

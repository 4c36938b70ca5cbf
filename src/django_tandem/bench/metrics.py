"""The metrics of a round, their medians, and their ratios to the baseline."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from django_tandem.bench.results import Report, Round, Row

# Returns None for what was not measured.
Read = Callable[[Round], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """
    One number of a round.

    ``more_is_better`` is None where neither is.
    """

    name: str
    title: str
    unit: str
    read: Read
    more_is_better: bool | None = False
    digits: int = 0

    def text(self, value: float | None) -> str:
        """Return a value with the metric's number of digits; empty for None."""
        return "" if value is None else f"{value:,.{self.digits}f}"

    @property
    def heading(self) -> str:
        """The title with the unit, unless the title has it."""
        return f"{self.title} ({self.unit})" if self.unit.isalpha() else self.title


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """The median of the ratios of the rounds, the lowest and the highest."""

    median: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """The median with its bounds."""
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def _latency(percentile: str) -> Read:
    return lambda each: getattr(each.driven.latency, percentile, None)


def _socket_latency(percentile: str) -> Read:
    return lambda each: getattr(getattr(each.driven.sockets, "latency", None), percentile, None)


def _failed(each: Round) -> float:
    sockets = each.driven.sockets
    return each.driven.failed + (sockets.lost if sockets else 0)


REQUESTS = Metric(
    name="requests_per_second",
    title="requests/s",
    unit="/s",
    read=lambda each: each.driven.per_second,
    more_is_better=True,
)
P99 = Metric(name="p99_ms", title="p99", unit="ms", read=_latency("p99_ms"), digits=1)
SOCKET_P99 = Metric(
    name="socket_p99_ms", title="socket p99", unit="ms", read=_socket_latency("p99_ms"), digits=1
)
MEMORY = Metric(name="memory_mb", title="memory", unit="MB", read=lambda each: each.use.memory_mb)
METRICS: tuple[Metric, ...] = (
    REQUESTS,
    Metric(name="p50_ms", title="p50", unit="ms", read=_latency("p50_ms"), digits=1),
    Metric(name="p95_ms", title="p95", unit="ms", read=_latency("p95_ms"), digits=1),
    P99,
    Metric(
        name="socket_p50_ms",
        title="socket p50",
        unit="ms",
        read=_socket_latency("p50_ms"),
        digits=1,
    ),
    SOCKET_P99,
    Metric(name="failed", title="failed", unit="", read=_failed),
    Metric(
        name="cpu_ms_a_request",
        title="CPU a request",
        unit="ms",
        read=lambda each: each.cpu_ms_a_request,
        digits=2,
    ),
    MEMORY,
    Metric(
        name="threads",
        title="threads",
        unit="",
        read=lambda each: each.use.threads,
        more_is_better=None,
    ),
    Metric(
        name="database_connections",
        title="DB connections",
        unit="",
        read=lambda each: each.use.database_connections,
        more_is_better=None,
    ),
)


def median(row: Row, metric: Metric) -> float | None:
    """Return the median over the row's rounds, None when no round has one."""
    found = [number for each in row.rounds if (number := metric.read(each)) is not None]
    return statistics.median(found) if found else None


def ratio(row: Row, baseline: Row | None, metric: Metric) -> Ratio | None:
    """
    Return ``row`` over ``baseline`` for the rounds that both finished; None when there is none.

    A round is compared with the baseline's round of the same number, which ran next to it, so
    that a slow spell of the machine cancels out.
    """
    if baseline is None:
        return None
    theirs = dict(zip(baseline.numbers, map(metric.read, baseline.rounds), strict=True))
    pairs = [
        (number, theirs.get(place))
        for place, number in zip(row.numbers, map(metric.read, row.rounds), strict=True)
    ]
    found = [over / under for over, under in pairs if over is not None and under]
    if not found:
        return None
    return Ratio(median=statistics.median(found), low=min(found), high=max(found))


def peak_generator_share(report: Report) -> float:
    """Return the load generator's largest share of one CPU in any round."""
    shares = (each.driven.generator_share for row in report.rows for each in row.rounds)
    return max(shares, default=0.0)

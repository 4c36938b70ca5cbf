"""The results of rounds, and their metrics: medians, and ratios to the baseline's rounds."""

import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Percentiles of ``count`` durations, in milliseconds."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float


def latency(seconds: Iterable[float]) -> Latency | None:
    """Return the percentiles of ``seconds`` by nearest rank; None when there are none."""
    ordered = sorted(seconds)
    if not ordered:
        return None

    def at(percent: float) -> float:
        return round(ordered[math.ceil(len(ordered) * percent / 100) - 1] * 1000, 3)

    return Latency(
        count=len(ordered), p50_ms=at(50), p95_ms=at(95), p99_ms=at(99), worst_ms=at(100)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketResult:
    """
    The WebSockets of one round.

    ``opened`` of those ``wanted``, ``closed`` before the end; ``why`` counts each kind of
    failure. ``latency`` is None when nothing was measured.
    """

    wanted: int
    opened: int
    closed: int
    latency: Latency | None
    why: tuple[tuple[str, int], ...] = ()

    @property
    def lost(self) -> int:
        """How many did not open, or closed before the end."""
        return self.wanted - self.opened + self.closed


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteResult:
    """
    One route in one round of a replay.

    ``requests`` is their number. ``errors`` counts each kind of error: statuses from 500 on, broken
    connections, timeouts. ``changed`` counts other responses whose status is not the recorded one.
    ``latency`` is that of each request with a response, from its recorded time on; None without
    one.
    """

    route: str
    requests: int
    latency: Latency | None
    errors: tuple[tuple[str, int], ...] = ()
    changed: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverResult:
    """
    What the driver of one round measured.

    ``failed`` counts statuses from 300 on, broken connections and timeouts, ``why`` each kind; in
    a replay, which repeats redirects, only statuses from 500 on. ``generator_share`` is the
    driver's own share of one CPU: near 1, the driver was the bottleneck. ``routes`` are those of
    a replay.
    """

    seconds: float
    answered: int
    failed: int
    latency: Latency | None
    generator_share: float
    why: tuple[tuple[str, int], ...] = ()
    sockets: WebSocketResult | None = None
    routes: tuple[RouteResult, ...] = ()

    @property
    def per_second(self) -> float | None:
        """Successful responses a second; None when there were none."""
        return self.answered / self.seconds if self.answered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUsage:
    """
    What a topology's processes used in one round.

    ``cpu_s`` is CPU time in seconds; ``memory_mb`` the proportional set size at the end, under
    load, None where the kernel does not report it. Both include the servers, the edge and the
    Channels worker, and supervisord where it is part of the topology. ``threads`` and
    ``database_connections`` are maxima; the latter is None where it can't be counted.
    """

    cpu_s: float
    memory_mb: float | None
    threads: int
    database_connections: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of one workload on one topology."""

    driven: DriverResult
    use: ResourceUsage

    @property
    def cpu_ms_a_request(self) -> float | None:
        """The servers' CPU time for each response, in milliseconds."""
        driven = self.driven
        # The CPU time of WebSockets and failures can't be separated from it.
        if not driven.answered or driven.failed or driven.sockets:
            return None
        return 1000 * self.use.cpu_s / driven.answered


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """
    One workload on one topology: its finished ``rounds``, in order.

    ``numbers`` are the session's round numbers of them. ``failure`` is the reason why
    rounds are missing.
    """

    topology: str
    workload: str
    rounds: tuple[Round, ...] = ()
    numbers: tuple[int, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologySummary:
    """A topology for readers: ``what`` lists its servers and their numbers of processes."""

    name: str
    title: str
    what: str


def failures(row: ResultRow) -> dict[str, int]:
    """Return each kind of failed request and WebSocket of a row, and how often it occurred."""
    counts: dict[str, int] = {}
    for each in row.rounds:
        sockets = each.driven.sockets.why if each.driven.sockets else ()
        for why, times in (*each.driven.why, *((f"WebSocket {w}", n) for w, n in sockets)):
            counts[why] = counts.get(why, 0) + times
    return dict(sorted(counts.items()))


@dataclass(frozen=True, slots=True)
class BenchMetric:
    """
    One number of a round, which ``read`` returns; None where it was not measured.

    ``more_is_better`` is None where neither is.
    """

    name: str
    title: str
    unit: str
    read: Callable[[Round], float | None]
    more_is_better: bool | None = False
    digits: int = 0

    def text(self, value: float | None) -> str:
        """Return a value with the metric's number of digits; empty for None."""
        return "" if value is None else f"{value:,.{self.digits}f}"

    @property
    def heading(self) -> str:
        """The title with the unit, unless the title has it."""
        return f"{self.title} ({self.unit})" if self.unit.isalpha() else self.title


def _latency(name: str, title: str) -> BenchMetric:
    def read(each: Round) -> float | None:
        return getattr(each.driven.latency, name, None)

    return BenchMetric(name, title, "ms", read, digits=1)


def _socket_latency(name: str, title: str) -> BenchMetric:
    def read(each: Round) -> float | None:
        return getattr(getattr(each.driven.sockets, "latency", None), name, None)

    return BenchMetric(f"socket_{name}", title, "ms", read, digits=1)


def _failed(each: Round) -> float:
    sockets = each.driven.sockets
    return each.driven.failed + (sockets.lost if sockets else 0)


REQUESTS = BenchMetric(
    "requests_per_second", "requests/s", "/s", lambda each: each.driven.per_second, True
)
P50, P95, P99 = (_latency(f"p{each}_ms", f"p{each}") for each in (50, 95, 99))
SOCKET_P50, SOCKET_P99 = (_socket_latency(f"p{each}_ms", f"socket p{each}") for each in (50, 99))
MEMORY = BenchMetric("memory_mb", "memory", "MB", lambda each: each.use.memory_mb)
CPU = BenchMetric(
    "cpu_ms_a_request", "CPU a request", "ms", lambda each: each.cpu_ms_a_request, digits=2
)
CONNECTIONS = BenchMetric(
    "database_connections", "DB connections", "", lambda each: each.use.database_connections, None
)
METRICS: tuple[BenchMetric, ...] = (
    REQUESTS,
    P50,
    P95,
    P99,
    SOCKET_P50,
    SOCKET_P99,
    BenchMetric("failed", "failed", "", _failed),
    CPU,
    MEMORY,
    BenchMetric("threads", "threads", "", lambda each: each.use.threads, None),
    CONNECTIONS,
)


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


def median(row: ResultRow, metric: BenchMetric) -> float | None:
    """Return the median over the row's rounds, None when no round has one."""
    found = [number for each in row.rounds if (number := metric.read(each)) is not None]
    return statistics.median(found) if found else None


def measured(rows: Iterable[ResultRow]) -> list[BenchMetric]:
    """Return the metrics that at least one of ``rows`` has."""
    rows = tuple(rows)
    return [each for each in METRICS if any(median(row, each) is not None for row in rows)]


def ratio(row: ResultRow, baseline: ResultRow | None, metric: BenchMetric) -> Ratio | None:
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

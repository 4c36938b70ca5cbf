"""The results of a round and of a session: frozen values that tables and the page are made of."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django_tandem.bench.workload import Workload


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
class DriverResult:
    """
    What the driver of one round measured.

    ``failed`` counts statuses from 300 on, broken connections and timeouts, ``why`` each kind.
    ``generator_share`` is the driver's own share of one CPU: near 1, the driver was the
    bottleneck.
    """

    seconds: float
    answered: int
    failed: int
    latency: Latency | None
    generator_share: float
    why: tuple[tuple[str, int], ...] = ()
    sockets: WebSocketResult | None = None

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
class Row:
    """
    One workload on one topology: its finished ``rounds``, in order.

    ``numbers`` are the session's round numbers of them. ``failure`` says why rounds are missing.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    A whole session.

    ``baseline`` is the topology that ratios refer to. ``rows`` has one for each workload and
    topology, in the order of both. ``command`` repeats the session. ``was_cut`` is true when it
    was interrupted before its last round.
    """

    title: str
    at: str
    command: str
    baseline: str
    topologies: tuple[TopologySummary, ...]
    workloads: tuple[Workload, ...]
    rows: tuple[Row, ...]
    machine: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    was_cut: bool = False
    notes: tuple[str, ...] = ()

    def row(self, workload: str, topology: str) -> Row | None:
        """Return the row of that workload and topology, None when there is none."""
        found = (r for r in self.rows if (r.workload, r.topology) == (workload, topology))
        return next(found, None)

    def rows_of(self, workload: Workload) -> tuple[Row, ...]:
        """Return the rows of one workload."""
        return tuple(row for row in self.rows if row.workload == workload.name)

    def title_of(self, topology: str) -> str:
        """Return a topology's title, or its name when it has none."""
        return next((each.title for each in self.topologies if each.name == topology), topology)


def failures(row: Row) -> dict[str, int]:
    """Return each kind of failed request and WebSocket of a row, and how often it occurred."""
    counts: dict[str, int] = {}
    for each in row.rounds:
        sockets = each.driven.sockets.why if each.driven.sockets else ()
        for why, times in (*each.driven.why, *((f"WebSocket {w}", n) for w, n in sockets)):
            counts[why] = counts.get(why, 0) + times
    return dict(sorted(counts.items()))

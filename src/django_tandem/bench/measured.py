"""What came of a round, and of all rounds: what the tables and the pages are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django_tandem.bench.latency import Latency
from django_tandem.bench.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketRound:
    """
    What the WebSockets of one round saw.

    ``opened`` of those wanted, ``closed`` before the end; ``why`` counts what kept them from
    it. ``latency`` is None where none found out.
    """

    wanted: int
    opened: int
    closed: int
    latency: Latency | None
    why: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """
    What the driver of one round saw.

    ``failed`` counts statuses from 300 on, broken connections and what was not answered in
    time, ``why`` each kind. ``generator_share`` is how much of one CPU the driver took itself:
    near 1, it was what was measured.
    """

    seconds: float
    answered: int
    failed: int
    latency: Latency | None
    generator_share: float
    why: tuple[tuple[str, int], ...] = ()
    sockets: SocketRound | None = None

    @property
    def per_second(self) -> float | None:
        """Answers a second; None where there were none, which has reasons of its own."""
        return self.answered / self.seconds if self.answered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """
    What a topology's processes took in one round.

    ``cpu_s`` is CPU time in seconds; ``memory_mb`` the proportional set size at the end, while
    the load is on, None where the kernel keeps that to itself. Both are of the servers, the edge
    and the Channels worker, and of supervisord where it is part of the topology. ``threads`` and
    ``database_connections`` are the most at any moment; the last is None where it is not known.
    """

    cpu_s: float
    memory_mb: float | None
    threads: int
    database_connections: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of one workload on one topology."""

    driven: Driven
    use: Use

    @property
    def cpu_ms_a_request(self) -> float | None:
        """CPU time that the servers took for each answer, in milliseconds; None in company."""
        driven = self.driven
        # What WebSockets and failures take can't be told apart from it.
        if not driven.answered or driven.failed or driven.sockets:
            return None
        return 1000 * self.use.cpu_s / driven.answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    One workload on one topology: its finished ``rounds``, in their order.

    ``numbers`` says which round of the session each was. ``failure`` says why there are fewer
    than there might be: it did not start, or died half way.
    """

    topology: str
    workload: str
    rounds: tuple[Round, ...] = ()
    numbers: tuple[int, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A topology in words: ``name`` is the key, ``what`` says what runs and how much of it."""

    name: str
    title: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    A whole session.

    ``baseline`` names the topology that ratios are to. ``rows`` has one for each workload and
    topology, in the order of both. ``machine`` and ``versions`` say where it was, ``command``
    how to do it again. ``was_cut`` says that it was ended before its last round.
    """

    title: str
    at: str
    command: str
    baseline: str
    topologies: tuple[Described, ...]
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

"""The results of a fan-out: memory of idle WebSockets, broadcasts, and the storms that follow."""

from collections.abc import Callable
from dataclasses import dataclass

from django_tandem.bench.results import Latency


@dataclass(frozen=True, slots=True, kw_only=True)
class PartUsage:
    """CPU time and memory (PSS; None where it is unknown) of the servers, and of the edge."""

    servers_cpu_s: float
    servers_mb: float | None
    edge_cpu_s: float = 0.0
    edge_mb: float | None = 0.0


# Returns what a topology's processes have used so far.
MeasureUsage = Callable[[], PartUsage]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleResult:
    """
    WebSockets that are open and get nothing.

    ``opened`` of those ``wanted``, in ``seconds``; ``refused`` counts the handshakes that failed,
    by their reasons. Memory is in kB a WebSocket, None where the kernel does not report it.
    """

    wanted: int
    opened: int
    seconds: float
    servers_kb: float | None
    edge_kb: float | None
    refused: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastResult:
    """
    Broadcasts to all WebSockets: ``sent`` of them, and ``delivered`` messages.

    ``lost`` messages never arrived, ``repeated`` ones arrived again or out of order, ``closed``
    counts WebSockets that were closed meanwhile. ``generator_cpu_s`` is the CPU time of the
    clients, which is in no other figure.
    """

    sent: int
    delivered: int
    lost: int
    repeated: int
    closed: tuple[tuple[str, int], ...]
    seconds: float
    servers_cpu_s: float
    edge_cpu_s: float
    generator_cpu_s: float
    latency: Latency | None

    @property
    def per_core(self) -> float | None:
        """Deliveries for each second of the servers' CPU time, without the edge's."""
        return self.delivered / self.servers_cpu_s if self.servers_cpu_s else None

    @property
    def per_core_with_edge(self) -> float | None:
        """Deliveries for each second of the servers' and the edge's CPU time."""
        cpu_s = self.servers_cpu_s + self.edge_cpu_s
        return self.delivered / cpu_s if cpu_s else None

    @property
    def per_second(self) -> float:
        """Deliveries a second, with the clients on the same machine."""
        return self.delivered / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class StormResult:
    """
    WebSockets that reconnect at once after ``cause``.

    ``closed`` of them, by close code; all were open again after ``seconds``, None when they were
    not within the deadline. ``reopening`` is the time from a close to the next time open.
    ``refused`` counts failed handshakes, which clients repeat.
    """

    cause: str
    closed: tuple[tuple[str, int], ...]
    seconds: float | None
    reopening: Latency | None
    refused: tuple[tuple[str, int], ...] = ()

    @property
    def closed_total(self) -> int:
        """How many were closed."""
        return sum(times for _, times in self.closed)


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutRound:
    """One topology's round; a part is None, or missing, where it was not measured."""

    idle: IdleResult
    broadcast: BroadcastResult | None = None
    storms: tuple[StormResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutRow:
    """One topology: its finished ``rounds``; ``failure`` is why some are missing."""

    topology: str
    title: str
    what: str = ""
    rounds: tuple[FanoutRound, ...] = ()
    failure: str = ""

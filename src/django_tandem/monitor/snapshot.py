"""
The stacks at one moment, as the monitor knows them: the one input of all that shows it.

As JSON (``as_json()``) it is the answer of ``/snapshot.json`` on the monitor's socket and of
`tandem top --json`.
"""

from dataclasses import asdict, dataclass
from typing import Any

from django_tandem.model.scoreboard import WorkerSlot
from django_tandem.model.shifts import SideFigures

# The requests of one route and stack over the window: the rates and percentiles below.
WINDOW_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """
    Requests over the last WINDOW_S seconds or half of them, without WebSockets and event streams.

    The percentiles are of the time at the edge, ``queue_p95_s`` of the time until a worker began;
    each is None where there was no request. ``errors_per_s`` are those with a status from 500 on.
    ``cpu_share`` is between 0 (it only waited) and 1 (it only computed), None where it is not
    known. ``busy_workers`` is how many workers it occupied on average. ``handovers_per_s`` are
    those that the other stack had handed over.
    """

    requests_per_s: float = 0.0
    errors_per_s: float = 0.0
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None
    queue_p95_s: float | None = None
    cpu_share: float | None = None
    busy_workers: float = 0.0
    handovers_per_s: float = 0.0
    bytes_per_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTraffic:
    """
    One route on the stack that answered: "wsgi", "asgi" or "edge".

    ``route`` is Django's template; UNMATCHED for a path that no route matches, EDGE_FILES for
    what the edge answered without a stack.
    """

    route: str
    stack: str
    traffic: Traffic
    websockets: int = 0
    streams: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StackTraffic:
    """
    One stack. ``queue_length`` requests wait in its socket, of ``queue_limit`` at most.

    ``workers_busy`` of ``workers`` have a request in progress.
    """

    stack: str
    traffic: Traffic
    workers: int = 0
    workers_busy: int = 0
    in_flight: int = 0
    queue_length: int | None = None
    queue_limit: int | None = None
    websockets: int = 0
    streams: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """A worker's slot, with what the kernel knows of its process."""

    slot: WorkerSlot
    cpu_percent: float = 0.0
    rss_mb: float = 0.0
    pss_mb: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRequest:
    """A finished request that is among the slowest of the last hour; times in seconds."""

    at: float
    route: str
    stack: str
    method: str
    path: str
    status: int
    duration_s: float
    queue_s: float | None
    cpu_s: float | None
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartMark:
    """An event at a time: "start", "reload", "restart"; ``text`` says of what."""

    at: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftProgress:
    """
    A route that is shifted to the stack ``to``, for ``percent`` of its clients.

    It is in ``step`` of ``steps``, from 1 on. ``state`` is that of the shift, ``reason`` the
    sentence on it. ``on_trial`` and ``at_home`` are the requests of both sides in the step.
    """

    route: str
    to: str
    home: str
    state: str
    percent: int
    step: int
    steps: int
    reason: str
    on_trial: SideFigures
    at_home: SideFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """
    The whole at ``at``, in seconds since the epoch.

    ``routes`` are sorted by their busy workers, the most first. ``lost_lines`` could not be read.
    """

    at: float
    started_at: float
    generation: int
    stacks: tuple[StackTraffic, ...] = ()
    routes: tuple[RouteTraffic, ...] = ()
    workers: tuple[WorkerState, ...] = ()
    slow: tuple[SlowRequest, ...] = ()
    marks: tuple[ChartMark, ...] = ()
    shifts: tuple[ShiftProgress, ...] = ()
    lost_lines: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it with the names of its fields as keys."""
        found: dict[str, Any] = asdict(self)
        return found

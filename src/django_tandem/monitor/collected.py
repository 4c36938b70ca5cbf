"""The data that the monitor has collected of one stack: its pages are made from them."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from django_tandem.model import WorkerKind
from django_tandem.model.state import State
from django_tandem.monitor.aggregates import Aggregates
from django_tandem.monitor.chart_marks import ChartMarks
from django_tandem.monitor.counters import RequestCounters, WorkerCounters
from django_tandem.monitor.gauges import Gauges
from django_tandem.monitor.last_hour import LastHour
from django_tandem.monitor.minutes import OTHER_ROUTES
from django_tandem.monitor.request_lines import RequestLine
from django_tandem.monitor.snapshot import WorkerState
from django_tandem.runtime.listen_queues import ListenQueue, Place

MOST_ROUTES = 200
# A route replaces one that has occupied the stacks for less than this share of its time: the series
# of two that are about equal must not alternate.
SHARE = 0.5


class SeriesSelection:
    """
    The routes with separate series on the page of metrics: those that occupy the stacks most.

    A route has a histogram for each method, status and stack. With two thousand of them each scrape
    would be 17 MB and most of a second of CPU; the requests of further routes have one name
    together. These are the first MOST_ROUTES routes, until choose() replaces some by busier ones.
    """

    def __init__(self, most: int = MOST_ROUTES) -> None:
        self._most = most
        self._own: set[str] = set()
        # Each choice halves the time before it.
        self._occupied_s: dict[str, float] = {}

    @property
    def shared(self) -> int:
        """How many routes have no separate series."""
        return len(self._occupied_s.keys() - self._own)

    def add(self, line: RequestLine) -> RequestLine:
        """Add a request; return it with the route under which the page counts it."""
        route = line.route
        if route == OTHER_ROUTES:
            return line
        self._occupied_s[route] = self._occupied_s.get(route, 0.0) + _occupied_s(line)
        if route not in self._own:
            if len(self._own) >= self._most:
                return line._replace(route=OTHER_ROUTES)
            self._own.add(route)
        return line

    def choose(self) -> set[str]:
        """Replace routes by busier ones; return those that are replaced."""
        occupied = self._occupied_s
        others = sorted(occupied.keys() - self._own, key=lambda route: (-occupied[route], route))
        own = sorted(self._own, key=lambda route: (occupied.get(route, 0.0), route))
        replaced = set()
        for newer, older in zip(others, own, strict=False):
            if occupied.get(older, 0.0) >= SHARE * occupied[newer]:
                break
            self._own.add(newer)
            replaced.add(older)
        self._own -= replaced
        self._occupied_s = {route: seconds / 2 for route, seconds in occupied.items()}
        return replaced

    def remove(self, routes: Set[str]) -> None:
        """Forget routes that are no longer counted."""
        self._own -= routes
        self._occupied_s = {
            route: seconds for route, seconds in self._occupied_s.items() if route not in routes
        }


def _occupied_s(line: RequestLine) -> float:
    # A WebSocket or an event stream occupies a worker for as long as its client listens.
    if line.is_long or line.worker_s is None:
        return 0.0
    return max(0.0, line.worker_s - (line.queue_s or 0.0))


@dataclass(slots=True, kw_only=True)
class Collected:
    """
    The counts since the monitor's start, and the last sample of the stack.

    ``queues`` are by stack, ``pss_bytes`` by program without its generation, and ``pss_mb`` by the
    pid of a worker. ``state`` is None before the first sample. ``lost_lines`` could not be read.
    """

    aggregates: Aggregates
    marks: ChartMarks
    series_selection: SeriesSelection = field(default_factory=SeriesSelection)
    requests: RequestCounters = field(default_factory=RequestCounters)
    worker_counts: WorkerCounters = field(default_factory=WorkerCounters)
    last_hour: LastHour = field(default_factory=LastHour)
    gauges: Gauges = field(default_factory=Gauges)
    state: State | None = None
    workers: tuple[WorkerState, ...] = ()
    queues: Mapping[str, ListenQueue] = field(default_factory=dict)
    pss_bytes: Mapping[str, float] = field(default_factory=dict)
    pss_mb: Mapping[int, float] = field(default_factory=dict)
    lost_lines: int = 0

    def add_body_cpu(self) -> None:
        """Add the CPU time of bodies, which the workers have counted, to that of their routes."""
        for (route, stack), (cpu_s, delay_s) in self.worker_counts.take_body_cpu().items():
            self.aggregates.add_body_cpu(route, stack, cpu_s, delay_s)
            self.requests.add_body_cpu(route, stack, cpu_s)

    @property
    def generation(self) -> int:
        """The live generation, 0 where it is not known."""
        return self.state.generation if self.state else 0

    @property
    def kinds(self) -> tuple[WorkerKind, ...]:
        """The workers of the live generation that serve a stack."""
        processes = self.state.processes if self.state else ()
        return tuple(kind for each in processes for kind in each.kinds if kind.stack)


def places_of(kind: WorkerKind) -> tuple[Place, ...]:
    """Return where a kind of worker listens: an address, a path, or both."""
    found = (kind.bind, Path(kind.socket) if kind.socket else None)
    return tuple(each for each in found if each is not None)


def queues_of(
    kinds: Iterable[WorkerKind], queues: Mapping[Place, ListenQueue]
) -> dict[str, ListenQueue]:
    """Return the queue of each stack, from those of its sockets; the fuller one of its two."""
    found = {}
    for kind in kinds:
        own = [queues[place] for place in places_of(kind) if place in queues]
        if kind.stack and own:
            found[kind.stack.value] = max(own, key=lambda queue: queue.length / queue.limit)
    return found

"""The data that the monitor has collected of one stack: its pages are made from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django_tandem.model import WorkerKind
from django_tandem.model.state import State
from django_tandem.monitor.aggregates import Aggregates
from django_tandem.monitor.counters import RequestCounters, WorkerCounters
from django_tandem.monitor.gauges import Gauges
from django_tandem.monitor.last_hour import LastHour
from django_tandem.monitor.marks import Marks
from django_tandem.monitor.series_selection import SeriesSelection
from django_tandem.monitor.snapshot import WorkerState
from django_tandem.runtime.listen_queues import ListenQueue, Place


@dataclass(slots=True, kw_only=True)
class Collected:
    """
    The counts since the monitor's start, and the last sample of the stack.

    ``queues`` are by stack, ``pss_bytes`` by program without its generation, and ``pss_mb`` by the
    pid of a worker. ``state`` is None before the first sample. ``lost_lines`` could not be read.
    """

    aggregates: Aggregates
    marks: Marks
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

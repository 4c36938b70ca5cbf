"""Totals since the monitor's start: of requests, and of all workers, also those that have ended."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import TypeVar

from django_tandem.model.scoreboard import WorkerSlot
from django_tandem.monitor.minutes import DURATION_BUCKETS_S, OTHER_ROUTES
from django_tandem.monitor.request_lines import EDGE, RequestLine

# Those of the convention; any other has one name, as a client can send any.
METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
OTHER_METHODS = "_OTHER"

Key = TypeVar("Key", bound=Hashable)
# Route, method, status, stack.
RequestLabels = tuple[str, str, int, str]


@dataclass(slots=True)
class Histogram:
    """Counts by bucket of DURATION_BUCKETS_S, the last without a bound, and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(DURATION_BUCKETS_S) + 1))
    sum_s: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(DURATION_BUCKETS_S, seconds)] += 1
        self.sum_s += seconds

    def copy(self) -> "Histogram":
        """Return one that does not change with this."""
        return Histogram(self.counts.copy(), self.sum_s)


class RequestCounters:
    """
    The requests of the edge's lines.

    WebSockets and event streams have no duration here: the workers count them.
    """

    def __init__(self) -> None:
        self.durations: dict[RequestLabels, Histogram] = {}
        self.queues: dict[str, Histogram] = {}
        # By route and stack.
        self.cpu_s: dict[tuple[str, str], float] = {}
        # By route and the stack that answered.
        self.handovers: Counter[tuple[str, str]] = Counter()

    def add(self, line: RequestLine) -> None:
        """Count a request."""
        if line.handed_over:
            self.handovers[line.route, line.stack] += 1
        if line.is_long:
            return
        route, stack, cpu_s = line.route, line.stack, line.cpu_s
        method = line.method if line.method in METHODS else OTHER_METHODS
        _histogram(self.durations, (route, method, line.status, stack)).observe(line.duration_s)
        if line.queue_s is not None and stack != EDGE:
            _histogram(self.queues, stack).observe(line.queue_s)
        if cpu_s is not None:
            key = (route, stack)
            self.cpu_s[key] = self.cpu_s.get(key, 0.0) + cpu_s

    def add_body_cpu(self, route: str, stack: str, cpu_s: float) -> None:
        """Add the CPU time of bodies, which the lines lack."""
        # A route without a separate series is among the others.
        key = (route if (route, stack) in self.cpu_s else OTHER_ROUTES, stack)
        if key in self.cpu_s:
            self.cpu_s[key] += cpu_s

    def remove(self, routes: Set[str]) -> None:
        """Remove the series of ``routes``; one that has a request again begins at 0."""
        self.durations = {key: n for key, n in self.durations.items() if key[0] not in routes}
        self.cpu_s = {key: n for key, n in self.cpu_s.items() if key[0] not in routes}
        kept = {key: n for key, n in self.handovers.items() if key[0] not in routes}
        self.handovers = Counter(kept)

    def copy(self) -> "RequestCounters":
        """Return counters that do not change with these, for another thread."""
        copied = RequestCounters()
        copied.durations = {key: each.copy() for key, each in self.durations.items()}
        copied.queues = {key: each.copy() for key, each in self.queues.items()}
        copied.cpu_s, copied.handovers = self.cpu_s.copy(), self.handovers.copy()
        return copied


def _histogram(histograms: dict[Key, Histogram], key: Key) -> Histogram:
    found = histograms.get(key)
    if found is None:
        found = histograms[key] = Histogram()
    return found


class WorkerCounters:
    """The counts of the workers' slots, added up over workers that end and generations."""

    def __init__(self) -> None:
        # By direction, by close code, and by outcome.
        self.messages: Counter[str] = Counter()
        self.mailboxes: Counter[str] = Counter()
        self.closes: Counter[str] = Counter()
        self.stream_ends: Counter[str] = Counter()
        # By route and stack, since it was taken.
        self._body_cpu_us: Counter[tuple[str, str]] = Counter()
        self._body_delay_us: Counter[tuple[str, str]] = Counter()
        self._last: dict[tuple[int, float], WorkerSlot] | None = None

    def update(self, slots: Iterable[WorkerSlot]) -> None:
        """Add what has been counted since the last call."""
        now = {(slot.pid, slot.started_at): slot for slot in slots}
        # An earlier monitor has counted what is there at the start.
        before = now if self._last is None else self._last
        for key, slot in now.items():
            _add_new(self.messages, _messages(slot), _messages(before.get(key)))
            _add_new(self.mailboxes, _mailboxes(slot), _mailboxes(before.get(key)))
            _add_new(self.closes, slot.closes, before[key].closes if key in before else {})
            ends = before[key].stream_ends if key in before else {}
            _add_new(self.stream_ends, slot.stream_ends, ends)
            self._add_bodies(slot, before.get(key))
        self._last = now

    def _add_bodies(self, slot: WorkerSlot, before: WorkerSlot | None) -> None:
        cpu, delay = (before.body_cpu_us, before.body_delay_us) if before else ({}, {})
        _add_new(self._body_cpu_us, _by_stack(slot.body_cpu_us, slot), _by_stack(cpu, slot))
        _add_new(self._body_delay_us, _by_stack(slot.body_delay_us, slot), _by_stack(delay, slot))

    def take_body_cpu(self) -> dict[tuple[str, str], tuple[float, float]]:
        """
        Return how the bodies since the last call used the CPU, by route and stack.

        That is the seconds on the CPU, and those without one.
        """
        cpu, delay = self._body_cpu_us, self._body_delay_us
        self._body_cpu_us, self._body_delay_us = Counter(), Counter()
        return {key: (us / 1e6, delay[key] / 1e6) for key, us in cpu.items() if us}

    def copy(self) -> "WorkerCounters":
        """Return counters that do not change with these, for another thread."""
        copied = WorkerCounters()
        copied.messages, copied.closes = self.messages.copy(), self.closes.copy()
        copied.stream_ends, copied.mailboxes = self.stream_ends.copy(), self.mailboxes.copy()
        return copied


def _messages(slot: WorkerSlot | None) -> Mapping[str, int]:
    if slot is None:
        return {}
    return {"received": slot.messages.received, "sent": slot.messages.sent}


def _by_stack(counts: Mapping[str, int], slot: WorkerSlot) -> dict[tuple[str, str], int]:
    return {(route, slot.stack): count for route, count in counts.items()}


def _mailboxes(slot: WorkerSlot | None) -> Mapping[str, int]:
    if slot is None:
        return {}
    return {"dropped": slot.mailboxes.dropped, "closed": slot.mailboxes.closed}


def _add_new(total: Counter[Key], now: Mapping[Key, int], before: Mapping[Key, int]) -> None:
    for name, count in now.items():
        total[name] += max(0, count - before.get(name, 0))

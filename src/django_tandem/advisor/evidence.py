"""Records of the history → what each route did on its stack, and its share of the queue."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from django_tandem.model import Stack
from django_tandem.monitor.minutes import RouteMinute, percentile

# The fastest tenth waits for nobody else.
UNDISTURBED = 0.1
# The first and the last minute may have begun late or ended early; in a longer history they do not
# count.
EDGE_MINUTES = 30
# By route and stack.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteEvidence:
    """
    What one route did on one stack in ``span_s`` seconds; times are sums in seconds.

    ``worker_s`` is the time in which its ``answered`` requests held a worker, without ``queue_s``;
    the others timed out or their clients left, maybe in the queue. ``cpu_s``,
    ``delay_s`` and ``blocked_s`` are of ``cpu_known`` requests: the time on a CPU, that in which a
    WSGI request was ready to compute and had no CPU, and that in which an ASGI request kept its
    event loop for 10 ms or longer. ``peak_workers`` is the most that it held on average of one
    minute. ``queue_caused_s`` is its part of the queue: in each minute the queue of its stack, by
    the share of the workers that it held. ``lag_share`` is its part of the blocked time of its
    stack, and ``cpu_load`` the load of all CPUs by all requests while it was served. ``longs``
    are its WebSockets and event streams.
    """

    route: str
    stack: Stack
    span_s: float = 0.0
    requests: int = 0
    answered: int = 0
    errors: int = 0
    worker_s: float = 0.0
    queue_s: float = 0.0
    cpu_s: float = 0.0
    cpu_known: int = 0
    delay_s: float = 0.0
    blocked_s: float = 0.0
    bytes_sent: int = 0
    p10_s: float | None = None
    p50_s: float | None = None
    p95_s: float | None = None
    peak_workers: float = 0.0
    burstiness: float = 1.0
    queue_caused_s: float = 0.0
    lag_share: float = 0.0
    cpu_load: float = 0.0
    longs: int = 0
    requests_elsewhere: int = 0

    @property
    def rate(self) -> float:
        """The requests per second."""
        return self.requests / self.span_s if self.span_s else 0.0

    @property
    def workers(self) -> float:
        """How many workers it held on average."""
        return self.worker_s / self.span_s if self.span_s else 0.0

    @property
    def each_s(self) -> float:
        """The seconds of one request in a worker."""
        return self.worker_s / self.answered if self.answered else 0.0

    @property
    def cpu_each_s(self) -> float:
        """The CPU seconds of one request."""
        return self.cpu_s / self.cpu_known if self.cpu_known else 0.0

    @property
    def delay_each_s(self) -> float:
        """The seconds for which one request waited for a CPU."""
        return self.delay_s / self.cpu_known if self.cpu_known else 0.0

    @property
    def blocked_each_s(self) -> float:
        """The seconds for which one request blocked its event loop."""
        return self.blocked_s / self.cpu_known if self.cpu_known else 0.0

    @property
    def known_share(self) -> float:
        """The share of the requests whose CPU time is known."""
        return self.cpu_known / self.requests if self.requests else 0.0

    @property
    def error_share(self) -> float:
        """The share of the requests with a status from 500 on."""
        return self.errors / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """
    The evidence of all routes, by route and stack.

    ``begin`` and ``end`` are in seconds since the epoch. ``queue_each_s`` is the mean time of a
    request in the queue of WSGI, ``wsgi_workers`` how many workers all of them held, and
    ``wsgi_delay`` how long they waited for a CPU for each second on one.
    """

    begin: float = 0.0
    end: float = 0.0
    span_s: float = 0.0
    requests: int = 0
    queue_each_s: float = 0.0
    wsgi_workers: float = 0.0
    wsgi_rate: float = 0.0
    wsgi_delay: float = 0.0
    by_route: Mapping[Key, RouteEvidence] = field(default_factory=dict)

    @property
    def queue_s(self) -> float:
        """The time of all requests in the queue of WSGI."""
        return self.queue_each_s * self.wsgi_rate * self.span_s

    def of(self, route: str, home: Stack) -> RouteEvidence:
        """Return the evidence of ``route`` on its stack; without a request there, on the other."""
        own = self.by_route.get((route, home))
        other = self.by_route.get((route, _other(home)))
        if own is None and other is not None:
            return other
        return own or RouteEvidence(route=route, stack=home, span_s=self.span_s)


@dataclass(slots=True)
class _Sums:
    """What is added up of one route on one stack, over the minutes."""

    total: RouteMinute
    longs: int = 0
    peak_workers: float = 0.0
    peak_rate: float = 0.0
    queue_caused_s: float = 0.0
    loaded_s: float = 0.0


def gather(records: Iterable[RouteMinute], *, cpus: float) -> History:
    """Return the evidence in ``records``, of a machine with ``cpus``."""
    sums: dict[Key, _Sums] = {}
    # By minute, with the length of its records.
    requests: dict[int, tuple[int, int]] = {}
    # The history is read by the hour: it may have a million records.
    for _, hour in groupby(records, key=lambda each: each.minute // 60):
        by_minute: dict[int, list[RouteMinute]] = defaultdict(list)
        for record in hour:
            by_minute[record.minute].append(record)
        for minute, found in by_minute.items():
            _add_minute(sums, found, cpus)
            requests[minute] = sum(each.requests for each in found), found[0].minutes
    if not requests:
        return History()
    last = max(requests)
    return _history(sums, _span_s(requests), 60 * min(requests), 60 * (last + requests[last][1]))


def _add_minute(sums: dict[Key, _Sums], records: list[RouteMinute], cpus: float) -> None:
    seconds = 60 * records[0].minutes
    load = sum(each.cpu_s for each in records) / (seconds * cpus)
    short = [each for each in records if not each.is_long]
    queue_s: dict[str, float] = defaultdict(float)
    held_s: dict[str, float] = defaultdict(float)
    for each in short:
        queue_s[each.stack] += each.queue_s
        held_s[each.stack] += each.worker_s
    for each in records:
        own = sums.setdefault(
            (each.route, each.stack), _Sums(RouteMinute(each.minute, each.route, each.stack))
        )
        if each.is_long:
            own.longs += each.requests
            continue
        own.total.add(each)
        own.peak_workers = max(own.peak_workers, each.worker_s / seconds)
        own.peak_rate = max(own.peak_rate, each.requests / seconds)
        own.loaded_s += load * each.worker_s
        if held_s[each.stack]:
            own.queue_caused_s += queue_s[each.stack] * each.worker_s / held_s[each.stack]


def _span_s(requests: Mapping[int, tuple[int, int]]) -> float:
    """
    Return how long the requests took to arrive.

    In a short history, the first minute and the last have a part of a minute: as much of it as
    they have requests, compared with those in between.
    """
    first, last = min(requests), max(requests)
    length = requests[last][1]
    whole = last + length - first
    between = [count for minute, (count, _) in requests.items() if first < minute < last]
    if len(between) < 2 or length > 1 or whole > EDGE_MINUTES:
        return 60.0 * whole
    usual = sum(between) / (whole - 2)
    edges = sum(min(1.0, requests[each][0] / usual) for each in (first, last))
    return 60.0 * (whole - 2 + edges)


def _history(sums: Mapping[Key, _Sums], span_s: float, begin: float, end: float) -> History:
    blocked_s: dict[str, float] = defaultdict(float)
    for (_, stack), each in sums.items():
        blocked_s[stack] += each.total.blocked_s
    found = {
        (route, stack): _evidence(
            each, span_s, blocked_s[stack], _requests(sums.get((route, _other(Stack(stack)))))
        )
        for (route, stack), each in sums.items()
        if stack in tuple(Stack)
    }
    wsgi = [each for each in found.values() if each.stack is Stack.WSGI]
    requests = sum(each.requests for each in wsgi)
    cpu_s = sum(each.cpu_s for each in wsgi)
    return History(
        begin=begin,
        end=end,
        span_s=span_s,
        requests=sum(each.requests + each.longs for each in found.values()),
        queue_each_s=sum(each.queue_s for each in wsgi) / requests if requests else 0.0,
        wsgi_workers=sum(each.workers for each in wsgi),
        wsgi_rate=requests / span_s,
        wsgi_delay=sum(each.delay_s for each in wsgi) / cpu_s if cpu_s else 0.0,
        by_route=found,
    )


def _evidence(sums: _Sums, span_s: float, blocked_s: float, elsewhere: int) -> RouteEvidence:
    total = sums.total
    mean_rate = total.requests / span_s
    return RouteEvidence(
        route=total.route,
        stack=Stack(total.stack),
        span_s=span_s,
        requests=total.requests,
        # Each answer has the time in the queue.
        answered=sum(total.queues.values()) or total.requests,
        errors=total.errors,
        worker_s=total.worker_s,
        queue_s=total.queue_s,
        cpu_s=total.cpu_s,
        cpu_known=total.cpu_known,
        delay_s=total.delay_s,
        blocked_s=total.blocked_s,
        bytes_sent=total.bytes_sent,
        p10_s=percentile(total.durations, UNDISTURBED),
        p50_s=percentile(total.durations, 0.5),
        p95_s=percentile(total.durations, 0.95),
        peak_workers=max(sums.peak_workers, total.worker_s / span_s),
        burstiness=max(1.0, sums.peak_rate / mean_rate) if mean_rate else 1.0,
        queue_caused_s=sums.queue_caused_s,
        lag_share=total.blocked_s / blocked_s if blocked_s else 0.0,
        cpu_load=sums.loaded_s / total.worker_s if total.worker_s else 0.0,
        longs=sums.longs,
        requests_elsewhere=elsewhere,
    )


def _requests(sums: _Sums | None) -> int:
    return sums.total.requests if sums else 0


def _other(stack: Stack) -> Stack:
    return Stack.ASGI if stack is Stack.WSGI else Stack.WSGI

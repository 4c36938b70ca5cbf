"""Request lines → records by route and stack: of the last seconds, and of each minute."""

import heapq
import itertools

from django_tandem.monitor.last_hour import HOUR_MINUTES
from django_tandem.monitor.minutes import OTHER_ROUTES, RouteMinute, bucket_of
from django_tandem.monitor.request_lines import RequestLine
from django_tandem.monitor.snapshot import WINDOW_S, SlowRequest

# Of the records of a slice of time; a minute has a whole number of them. One of 2,000 busy routes
# takes 2 MB.
SLICE_S = 30
# The lines of a minute arrive until then: the edge writes each second, and the monitor reads.
LATE_S = 3
# Further routes have one name together: a label must not grow with what clients send.
MOST_ROUTES = 2000
# A deploy may have renamed a route that has had none for so long.
UNUSED_MINUTES = 24 * 60
# The slowest that are kept, of each minute of the last hour, and shown.
SLOWEST_OF_MINUTE = 10
SLOWEST = 50

# Route, stack, and whether they are WebSockets or event streams.
Key = tuple[str, str, bool]
Records = dict[Key, RouteMinute]


class Aggregates:
    """
    Totals of the requests of the last minutes by route and stack.

    Times are those of the edge's clock. A line that is later than its minute is counted in a
    further record of it.
    """

    def __init__(self, started_at: float) -> None:
        self.started_at = started_at
        # By the number of the slice since the epoch.
        self._slices: dict[int, Records] = {}
        self._late: dict[int, Records] = {}
        self._closed_minute = int(started_at) // 60 - 1
        # With the minute of the last request.
        self._routes: dict[str, int] = {}
        self._slowest: dict[int, list[tuple[float, int, SlowRequest]]] = {}
        # With and without a CPU: to be added to the next request of a route, stack and kind.
        self._body_cpu_s: dict[tuple[str, str, bool], tuple[float, float]] = {}
        # Makes each entry differ, as requests have no order.
        self._number = itertools.count()

    def add(self, line: RequestLine) -> RequestLine:
        """Count a request; return it with its route bounded."""
        second, route = int(line.at), line.route
        minute = second // 60
        if route in self._routes or self.bounded(route) == route:
            self._routes[route] = minute
        else:
            line = line._replace(route=OTHER_ROUTES)
        key = (line.route, line.stack, line.is_long)
        records = self._records_of(second, minute)
        record = records.get(key)
        if record is None:
            record = records[key] = RouteMinute(minute, *key)
        _count(record, line)
        if key in self._body_cpu_s:
            cpu_s, delay_s = self._body_cpu_s.pop(key)
            record.cpu_s += cpu_s
            record.delay_s += delay_s
        if not line.is_long:
            self._keep_if_slow(minute, line)
        return line

    def _records_of(self, second: int, minute: int) -> Records:
        is_late = minute <= self._closed_minute
        slices, number = (self._late, minute) if is_late else (self._slices, second // SLICE_S)
        records = slices.get(number)
        if records is None:
            records = slices[number] = {}
        return records

    def add_body_cpu(self, route: str, stack: str, cpu_s: float, delay_s: float) -> None:
        """
        Add the CPU time of bodies and its delay, which the lines lack.

        It is counted with the next request of the route: a record has at least one request.
        """
        key = (self.bounded(route), stack, False)
        before = self._body_cpu_s.get(key, (0.0, 0.0))
        self._body_cpu_s[key] = before[0] + cpu_s, before[1] + delay_s

    def window(self, now: float) -> tuple[Records, float]:
        """Return the records of the last WINDOW_S seconds together, and how many those are."""
        first = int(now - WINDOW_S) // SLICE_S + 1
        found: Records = {}
        for number, records in self._slices.items():
            if number >= first:
                _add_all(found, records)
        return found, max(1.0, min(now - first * SLICE_S, now - self.started_at))

    def close_minutes(self, now: float, *, at_once: bool = False) -> list[RouteMinute]:
        """
        Return the records of the minutes that have ended, and of late lines of earlier ones.

        With ``at_once`` also those of the minute that has begun: nothing follows it.
        """
        last = int(now if at_once else now - LATE_S) // 60 - (0 if at_once else 1)
        ended: dict[int, Records] = self._late
        self._late = {}
        for number, records in self._slices.items():
            minute = number * SLICE_S // 60
            if self._closed_minute < minute <= last:
                _add_all(ended.setdefault(minute, {}), records)
        self._closed_minute = max(self._closed_minute, last)
        self._forget(now)
        return [record for minute in sorted(ended) for record in ended[minute].values()]

    def slowest(self, now: float) -> tuple[SlowRequest, ...]:
        """Return the slowest requests of the last hour, the slowest first."""
        first = int(now) // 60 - HOUR_MINUTES
        every = (each for minute, kept in self._slowest.items() if minute > first for each in kept)
        return tuple(request for _, _, request in heapq.nlargest(SLOWEST, every))

    def bounded(self, route: str) -> str:
        """Return the name under which a route is counted."""
        if route not in self._routes:
            if len(self._routes) >= MOST_ROUTES:
                return OTHER_ROUTES
            self._routes[route] = self._closed_minute + 1
        return route

    def forget_idle_routes(self, now: float) -> set[str]:
        """Make room for further routes: remove and return those without a request for a day."""
        if len(self._routes) < MOST_ROUTES:
            return set()
        oldest = int(now) // 60 - UNUSED_MINUTES
        unused = {route for route, minute in self._routes.items() if minute < oldest}
        for route in unused:
            del self._routes[route]
        self._body_cpu_s = {k: n for k, n in self._body_cpu_s.items() if k[0] not in unused}
        return unused

    def _keep_if_slow(self, minute: int, line: RequestLine) -> None:
        kept = self._slowest.get(minute)
        if kept is None:
            kept = self._slowest[minute] = []
        elif len(kept) >= SLOWEST_OF_MINUTE and line.duration_s <= kept[0][0]:
            return
        entry = (line.duration_s, next(self._number), _slow(line))
        if len(kept) < SLOWEST_OF_MINUTE:
            heapq.heappush(kept, entry)
        else:
            heapq.heapreplace(kept, entry)

    def _forget(self, now: float) -> None:
        # Also what a clock that was set back has left in the future.
        first, last = int(now - WINDOW_S) // SLICE_S, int(now) // SLICE_S + 1
        first = min(first, (self._closed_minute + 1) * 60 // SLICE_S)
        self._slices = {n: each for n, each in self._slices.items() if first <= n <= last}
        minute = int(now) // 60
        self._closed_minute = min(self._closed_minute, minute - 1)
        kept = range(minute - HOUR_MINUTES, minute + 2)
        self._slowest = {n: each for n, each in self._slowest.items() if n in kept}


def _count(record: RouteMinute, line: RequestLine) -> None:
    status, duration_s, queue_s, worker_s = (
        line.status, line.duration_s, line.queue_s, line.worker_s
    )  # fmt: skip
    record.statuses[status] = record.statuses.get(status, 0) + 1
    bucket = bucket_of(duration_s)
    record.durations[bucket] = record.durations.get(bucket, 0) + 1
    record.duration_s += duration_s
    record.bytes_sent += line.bytes_sent
    if line.handed_over:
        record.handovers += 1
    if queue_s is not None:
        bucket = bucket_of(queue_s)
        record.queues[bucket] = record.queues.get(bucket, 0) + 1
        record.queue_s += queue_s
    if worker_s is not None:
        if queue_s is not None or line.is_long:
            # NGINX's time begins when it connects.
            record.worker_s += max(0.0, worker_s - (queue_s or 0.0))
        else:
            # After a timeout, or if the client has left, nobody knows when a worker began: in an
            # overload most of these were in the queue.
            record.unanswered_s += worker_s
    if line.cpu_s is not None:
        record.cpu_s += line.cpu_s
        record.cpu_known += 1
        if line.delay_s or line.blocked_s:
            record.delay_s += line.delay_s
            record.blocked_s += line.blocked_s


def _add_all(into: Records, records: Records) -> None:
    for key, record in records.items():
        if key not in into:
            into[key] = RouteMinute(record.minute, *key)
        into[key].add(record)


def _slow(line: RequestLine) -> SlowRequest:
    return SlowRequest(
        at=line.at,
        route=line.route,
        stack=line.stack,
        method=line.method,
        path=line.path,
        status=line.status,
        duration_s=line.duration_s,
        queue_s=line.queue_s,
        cpu_s=line.cpu_s,
        request_id=line.request_id,
    )

"""The page of metrics for Prometheus: OpenTelemetry's name where it has one, else tandem_…."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from django_tandem.model.scoreboard import WorkerSlot
from django_tandem.model.shifts import Shift, ShiftState, SideFigures
from django_tandem.monitor.counters import Histogram, RequestCounters, WorkerCounters
from django_tandem.monitor.minutes import DURATION_BUCKETS_S
from django_tandem.runtime.listen_queues import ListenQueue

BOUNDS = (*(f"{bound:g}" for bound in DURATION_BUCKETS_S), "+Inf")
OF_SHIFT = ["http_route", "stack"]
OF_SHIFT_SIDE = ["http_route", "side", "stack"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """
    All that is on the page.

    ``slots`` are those of the running workers, with bounded routes. ``queues`` are by stack, and
    ``restarts`` and ``pss_bytes`` by program. ``shared_routes`` is how many routes are counted as
    OTHER_ROUTES. ``project`` are its own metrics.
    """

    requests: RequestCounters
    workers: WorkerCounters
    slots: Sequence[WorkerSlot] = ()
    queues: Mapping[str, ListenQueue] = field(default_factory=dict)
    generation: int = 0
    reloads: int = 0
    restarts: Mapping[str, int] = field(default_factory=dict)
    pss_bytes: Mapping[str, float] = field(default_factory=dict)
    lost_lines: int = 0
    shared_routes: int = 0
    shifts: Sequence[Shift] = ()
    project: Sequence[Metric] = ()


class Page:
    """A collector of prometheus-client's: its metrics are made at each scrape."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        """Yield each metric."""
        yield from _requests(self._measured.requests)
        yield from _queues(self._measured)
        yield from _workers(self._measured.slots)
        yield from _connections(self._measured)
        yield from _stack(self._measured)
        yield from _shifts(self._measured.shifts)
        yield from self._measured.project


def encode(measured: Measured, accept: str) -> tuple[bytes, str]:
    """Return the page in the format that the client accepts, and its content type."""
    encoder, content_type = choose_encoder(accept)
    return encoder(Page(measured)), content_type


def _requests(counted: RequestCounters) -> Iterator[Metric]:
    labels = ["http_route", "http_request_method", "http_response_status_code", "stack"]
    durations = HistogramMetricFamily(
        "http_server_request_duration_seconds",
        "Duration of requests at the edge, without WebSockets and event streams.",
        labels=labels,
    )
    for key, histogram in counted.durations.items():
        _add(durations, map(str, key), histogram)
    yield durations
    yield _counter(
        "tandem_request_cpu_seconds",
        "CPU time of requests in their workers.",
        ["http_route", "stack"],
        counted.cpu_s.items(),
    )
    yield _counter(
        "tandem_handovers",
        "Requests that one stack handed over to the other.",
        ["http_route", "to"],
        counted.handovers.items(),
    )


def _queues(measured: Measured) -> Iterator[Metric]:
    waited = HistogramMetricFamily(
        "tandem_queue_seconds", "Time from the edge to the worker.", labels=["stack"]
    )
    for stack, histogram in measured.requests.queues.items():
        _add(waited, [stack], histogram)
    yield waited
    queues = measured.queues.items()
    yield _gauge(
        "tandem_queue_length",
        "Requests that wait to be accepted.",
        ["stack"],
        [((stack,), queue.length) for stack, queue in queues],
    )
    yield _gauge(
        "tandem_queue_limit",
        "Requests that may wait; a further one gets 503.",
        ["stack"],
        [((stack,), queue.limit) for stack, queue in queues],
    )


def _workers(slots: Sequence[WorkerSlot]) -> Iterator[Metric]:
    states: Counter[tuple[str, str]] = Counter()
    threads: Counter[tuple[str]] = Counter()
    queued = [slot.threads.queued for slot in slots if slot.threads]
    connections: Counter[tuple[str]] = Counter()
    for slot in slots:
        # Both, so that a series does not end where no worker is busy.
        states.update({(slot.stack, "busy"): 0, (slot.stack, "idle"): 0})
        states[slot.stack, "busy" if slot.in_flight_count else "idle"] += 1
        if slot.threads:
            busy = slot.threads.size - slot.threads.idle
            threads.update({("idle",): slot.threads.idle, ("busy",): busy})
            threads["overflow",] += slot.threads.overflow
        connections.update({(alias,): n for alias, n in slot.database_connections.items()})
    yield _gauge("tandem_workers", "Workers by state.", ["stack", "state"], states.items())
    lags = [slot.lag_max_s for slot in slots if slot.lag_max_s is not None]
    yield _gauge(
        "tandem_event_loop_lag_seconds",
        "The longest delay of a timer in the last ten seconds, of all event loops.",
        [],
        [((), max(lags))] if lags else [],
    )
    yield _gauge("tandem_threads", "Threads for sync code on ASGI.", ["state"], threads.items())
    yield _gauge(
        "tandem_thread_queue_length",
        "Requests on ASGI whose sync code waits for a thread.",
        [],
        [((), sum(queued))] if queued else [],
    )
    yield _gauge(
        "tandem_database_connections", "Open database connections.", ["alias"], connections.items()
    )


def _connections(measured: Measured) -> Iterator[Metric]:
    websockets: Counter[tuple[str]] = Counter()
    streams: Counter[tuple[str]] = Counter()
    for slot in measured.slots:
        websockets.update({(route,): count for route, count in slot.websockets.items()})
        streams.update({(route,): count for route, count in slot.streams.items()})
    yield _gauge(
        "tandem_websocket_connections", "Open WebSockets.", ["http_route"], websockets.items()
    )
    yield _counter(
        "tandem_websocket_messages",
        "Messages of WebSockets.",
        ["direction"],
        _by_one(measured.workers.messages),
    )
    yield _counter(
        "tandem_websocket_closes",
        "WebSockets that were closed.",
        ["code"],
        _by_one(measured.workers.closes),
    )
    yield from _mailboxes(measured)
    yield _gauge("tandem_streams", "Open event streams.", ["http_route"], streams.items())
    # Not tandem_streams_total: in OpenMetrics, that and tandem_streams would be one metric.
    yield _counter(
        "tandem_stream_ends",
        "Event streams that have ended.",
        ["outcome"],
        _by_one(measured.workers.stream_ends),
    )


def _mailboxes(measured: Measured) -> Iterator[Metric]:
    yield _gauge(
        "tandem_websocket_mailbox_length",
        "The most messages of the channel layer that have waited for one consumer in ten seconds.",
        [],
        [((), max((slot.mailboxes.longest for slot in measured.slots), default=0))],
    )
    yield _counter(
        "tandem_websocket_mailbox_dropped",
        "Messages of the channel layer that were dropped, as a mailbox was full.",
        [],
        [((), measured.workers.mailboxes["dropped"])],
    )
    yield _counter(
        "tandem_websocket_slow_clients",
        "WebSockets that were closed with 1013, as a mailbox was full.",
        [],
        [((), measured.workers.mailboxes["closed"])],
    )


def _stack(measured: Measured) -> Iterator[Metric]:
    yield _gauge("tandem_generation", "The live generation.", [], [((), measured.generation)])
    yield _counter("tandem_reloads", "Reloads.", [], [((), measured.reloads)])
    yield _counter(
        "tandem_restarts",
        "Programs and workers that were restarted after their end.",
        ["program"],
        _by_one(measured.restarts),
    )
    yield _gauge(
        "tandem_memory_pss_bytes",
        "Proportional memory (PSS): shared pages are divided among their processes.",
        ["program"],
        _by_one(measured.pss_bytes),
    )
    yield _counter(
        "tandem_monitor_lines_lost",
        "Lines of the edge that could not be read.",
        [],
        [((), measured.lost_lines)],
    )
    yield _gauge(
        "tandem_monitor_shared_routes",
        "Routes without separate series: (other) counts their requests.",
        [],
        [((), measured.shared_routes)],
    )


def _by_one(values: Mapping[str, float]) -> Iterator[tuple[tuple[str], float]]:
    return (((name,), value) for name, value in values.items())


def _add(family: HistogramMetricFamily, labels: Iterable[str], histogram: Histogram) -> None:
    total, buckets = 0, []
    for bound, count in zip(BOUNDS, histogram.counts, strict=True):
        total += count
        buckets.append((bound, total))
    family.add_metric(list(labels), buckets, histogram.sum_s)


def _counter(
    name: str, about: str, labels: list[str], values: Iterable[tuple[Iterable[str], float]]
) -> Metric:
    family = CounterMetricFamily(name, about, labels=labels)
    for key, value in values:
        family.add_metric(list(key), value)
    return family


def _gauge(
    name: str, about: str, labels: list[str], values: Iterable[tuple[Iterable[str], float]]
) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for key, value in values:
        family.add_metric(list(key), value)
    return family


def _shifts(shifts: Sequence[Shift]) -> Iterator[Metric]:
    # The figures of a side are those of the present step, and so gauges.
    yield _gauge(
        "tandem_shift_percent",
        "Share of the clients of a shifted route that the stack serves.",
        OF_SHIFT,
        (([each.route, each.to], each.percent) for each in shifts),
    )
    yield _gauge(
        "tandem_shift_rolled_back",
        "1 for a route that was rolled back, as its sides differed.",
        OF_SHIFT,
        (([each.route, each.to], each.state is ShiftState.ROLLED_BACK) for each in shifts),
    )
    sides = tuple(_figures_of_sides(shifts))
    yield _gauge(
        "tandem_shift_step_requests",
        "Requests of a side in the present step.",
        OF_SHIFT_SIDE,
        ((labels, each.requests) for labels, each in sides),
    )
    yield _gauge(
        "tandem_shift_step_failed_requests",
        "Those that failed, also if their home stack answered them.",
        OF_SHIFT_SIDE,
        ((labels, each.failed) for labels, each in sides),
    )
    yield _gauge(
        "tandem_shift_step_p95_seconds",
        "95th percentile of the time until the first byte.",
        OF_SHIFT_SIDE,
        ((labels, each.p95_s) for labels, each in sides if each.p95_s is not None),
    )


def _figures_of_sides(shifts: Sequence[Shift]) -> Iterator[tuple[list[str], SideFigures]]:
    for each in shifts:
        yield [each.route, "trial", each.to], each.on_trial
        yield [each.route, "home", each.home], each.at_home

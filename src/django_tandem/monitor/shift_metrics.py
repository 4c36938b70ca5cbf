"""The metrics of shifts: the share of each route that is shifted, and what its sides show."""

from collections.abc import Iterator, Sequence

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from django_tandem.model.shifts import Shift, ShiftState, SideFigures

OF_ROUTE = ["http_route", "stack"]
OF_SIDE = ["http_route", "side", "stack"]


def metrics_of(shifts: Sequence[Shift]) -> Iterator[Metric]:
    """Yield each metric; the figures of a side are those of the present step, and so gauges."""
    percent = GaugeMetricFamily(
        "tandem_shift_percent",
        "Share of the clients of a shifted route that the stack serves.",
        labels=OF_ROUTE,
    )
    rolled_back = GaugeMetricFamily(
        "tandem_shift_rolled_back",
        "1 for a route that was rolled back, as its sides differed.",
        labels=OF_ROUTE,
    )
    for each in shifts:
        percent.add_metric([each.route, each.to], each.percent)
        rolled_back.add_metric([each.route, each.to], each.state is ShiftState.ROLLED_BACK)
    yield from (percent, rolled_back)
    yield from _of_sides(shifts)


def _of_sides(shifts: Sequence[Shift]) -> Iterator[Metric]:
    requests = GaugeMetricFamily(
        "tandem_shift_step_requests", "Requests of a side in the present step.", labels=OF_SIDE
    )
    failed = GaugeMetricFamily(
        "tandem_shift_step_failed_requests",
        "Those that failed, also if their home stack answered them.",
        labels=OF_SIDE,
    )
    p95 = GaugeMetricFamily(
        "tandem_shift_step_p95_seconds",
        "95th percentile of the time until the first byte.",
        labels=OF_SIDE,
    )
    for labels, figures in _sides(shifts):
        requests.add_metric(labels, figures.requests)
        failed.add_metric(labels, figures.failed)
        if figures.p95_s is not None:
            p95.add_metric(labels, figures.p95_s)
    yield from (requests, failed, p95)


def _sides(shifts: Sequence[Shift]) -> Iterator[tuple[list[str], SideFigures]]:
    for each in shifts:
        yield [each.route, "trial", each.to], each.on_trial
        yield [each.route, "home", each.home], each.at_home

"""The bar charts of a workload, as plain values that the page's template draws with CSS."""

from dataclasses import dataclass

from django_tandem.bench.metrics import (
    MEMORY,
    METRICS,
    P99,
    REQUESTS,
    SOCKET_P99,
    Metric,
    median,
)
from django_tandem.bench.results import Report, Row, failures
from django_tandem.bench.workload import Workload

BY_NAME = {metric.name: metric for metric in METRICS}
LATENCY = (P99, BY_NAME["p95_ms"], BY_NAME["p50_ms"])
SOCKET_LATENCY = (SOCKET_P99, BY_NAME["socket_p50_ms"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """
    One topology in a chart.

    ``lengths`` are one for each of the chart's metrics, the longest first, ``rounds`` those of the
    first metric in each round: all in percent of the chart's width. Without ``lengths`` there is
    no bar, and ``note`` says why.
    """

    title: str
    value: str = ""
    lengths: tuple[float, ...] = ()
    rounds: tuple[float, ...] = ()
    note: str = ""
    is_baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars that start at zero; ``steps`` name the lengths of a bar where there are several."""

    title: str
    better: str
    bars: tuple[Bar, ...]
    steps: tuple[str, ...] = ()


def charts(report: Report, workload: Workload) -> list[Chart]:
    """Return the charts that apply to this workload."""
    found = []
    if workload.path is not None:
        found += [
            _chart(report, workload, "Requests per second", (REQUESTS,)),
            _chart(report, workload, "Latency", LATENCY),
        ]
    if workload.sockets:
        title = f"WebSocket latency, by {workload.sockets.measure}"
        found.append(_chart(report, workload, title, SOCKET_LATENCY))
    return [*found, _chart(report, workload, "Memory", (MEMORY,))]


def _chart(report: Report, workload: Workload, title: str, metrics: tuple[Metric, ...]) -> Chart:
    rows = report.rows_of(workload)
    values = [value for row in rows for value in (median(row, metrics[0]), *_values(row, metrics))]
    end = max((value for value in values if value is not None), default=0.0) or 1.0
    return Chart(
        title=title,
        better="more is better" if metrics[0].more_is_better else "less is better",
        bars=tuple(_bar(report, row, metrics, end) for row in rows),
        steps=tuple(metric.title.split()[-1] for metric in metrics) if len(metrics) > 1 else (),
    )


def _bar(report: Report, row: Row, metrics: tuple[Metric, ...], end: float) -> Bar:
    title, is_baseline = report.title_of(row.topology), row.topology == report.baseline
    medians = [median(row, metric) for metric in metrics]
    if any(value is None for value in medians):
        return Bar(title=title, note=missing(row), is_baseline=is_baseline)
    texts = [metric.text(value) for metric, value in zip(metrics, medians, strict=True)]
    return Bar(
        title=title,
        value=f"{' · '.join(reversed(texts))} {metrics[0].unit}",
        lengths=tuple(_percent(value, end) for value in medians if value is not None),
        rounds=tuple(_percent(value, end) for value in _values(row, metrics)),
        is_baseline=is_baseline,
    )


def missing(row: Row) -> str:
    """Return why a row lacks a number."""
    return row.failure or ", ".join(failures(row)) or "not measured"


def _values(row: Row, metrics: tuple[Metric, ...]) -> list[float]:
    return [value for each in row.rounds if (value := metrics[0].read(each)) is not None]


def _percent(value: float, end: float) -> float:
    return round(100 * value / end, 2)

"""A report as one HTML file that loads nothing: charts, all numbers, failures, how to repeat."""

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django_tandem.bench.replay.routes import RouteFigures, route_figures
from django_tandem.bench.report import BenchReport, warnings
from django_tandem.bench.results import (
    MEMORY,
    P50,
    P95,
    P99,
    REQUESTS,
    SOCKET_P50,
    SOCKET_P99,
    BenchMetric,
    ResultRow,
    Round,
    failures,
    measured,
    median,
    ratio,
)
from django_tandem.bench.workload import Workload
from django_tandem.render.target import template_environment

if TYPE_CHECKING:
    from jinja2 import Environment

# Control characters, halves of surrogate pairs, and code points without a character.
UNPRINTABLE = ("Cc", "Cs", "Cn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """
    One topology in a chart.

    ``lengths`` are one for each of the chart's metrics, the longest first, ``rounds`` those of the
    first metric in each round: all in percent of the chart's width. Without ``lengths`` there is
    no bar, and ``note`` is the reason.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLine:
    """One topology, or one round of it; without ``cells`` the ``notes`` take their place."""

    title: str
    cells: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultTable:
    """A table of one workload."""

    caption: str
    columns: tuple[str, ...]
    lines: tuple[TableLine, ...]


def page(report: BenchReport) -> str:
    """Return ``report`` as an HTML file."""
    template = _environment().get_template("page.html.j2")
    return template.render(
        report=report,
        sections=[_section(report, workload) for workload in report.workloads],
        warnings=warnings(report),
        generator_share=f"{report.peak_generator_share:.0%}",
    )


def _section(report: BenchReport, workload: Workload) -> dict[str, object]:
    rows = report.rows_of(workload)
    metrics = measured(rows)
    return {
        "workload": workload,
        "description": _description(workload),
        "charts": charts(report, workload) if metrics else [],
        "tables": (
            _medians(report, rows, metrics),
            _ratios(report, workload, rows, metrics),
            *_route_tables(report, rows),
        ),
        "rounds": _rounds(report, rows, metrics),
    }


def _description(workload: Workload) -> str:
    """Return what a workload sends; of headers only the names, as they may be secrets."""
    parts = []
    if workload.path is not None:
        body = f" with a body of {len(workload.body.encode()):,} bytes" if workload.body else ""
        parts.append(
            f"{workload.method} {workload.path}{body}, on {workload.connections:,} connections"
        )
    if replay := workload.replay:
        parts.append(
            f"{replay.span_s:.0f} s of {replay.source} at {replay.speed:g} times its speed, "
            f"number of requests: {len(replay.requests):,}"
        )
    if sockets := workload.sockets:
        parts.append(
            f"{sockets.count:,} WebSockets open on {sockets.path}, each measured by "
            f"{sockets.measure} every {sockets.every_s:g} s"
        )
    if workload.headers:
        parts.append(f"with the headers {', '.join(name for name, _ in workload.headers)}")
    return "; ".join(parts)


def charts(report: BenchReport, workload: Workload) -> list[Chart]:
    """Return the charts that apply to this workload."""
    found = []
    if workload.path is not None:
        found += [
            _chart(report, workload, "Requests per second", (REQUESTS,)),
            _chart(report, workload, "Latency", (P99, P95, P50)),
        ]
    if workload.replay:
        # Its rate is the recorded one on each topology.
        found.append(_chart(report, workload, "Latency", (P99, P95, P50)))
    if workload.sockets:
        title = f"WebSocket latency, by {workload.sockets.measure}"
        found.append(_chart(report, workload, title, (SOCKET_P99, SOCKET_P50)))
    return [*found, _chart(report, workload, "Memory", (MEMORY,))]


def _chart(
    report: BenchReport, workload: Workload, title: str, metrics: tuple[BenchMetric, ...]
) -> Chart:
    rows = report.rows_of(workload)
    values = [value for row in rows for value in (median(row, metrics[0]), *_values(row, metrics))]
    end = max((value for value in values if value is not None), default=0.0) or 1.0
    return Chart(
        title=title,
        better="more is better" if metrics[0].more_is_better else "less is better",
        bars=tuple(_bar(report, row, metrics, end) for row in rows),
        steps=tuple(metric.title.split()[-1] for metric in metrics) if len(metrics) > 1 else (),
    )


def _bar(report: BenchReport, row: ResultRow, metrics: tuple[BenchMetric, ...], end: float) -> Bar:
    title, is_baseline = report.title_of(row.topology), row.topology == report.baseline
    medians = [median(row, metric) for metric in metrics]
    if any(value is None for value in medians):
        return Bar(title=title, note=_missing(row), is_baseline=is_baseline)
    texts = [metric.text(value) for metric, value in zip(metrics, medians, strict=True)]
    return Bar(
        title=title,
        value=f"{' · '.join(reversed(texts))} {metrics[0].unit}",
        lengths=tuple(_percent(value, end) for value in medians if value is not None),
        rounds=tuple(_percent(value, end) for value in _values(row, metrics)),
        is_baseline=is_baseline,
    )


def _missing(row: ResultRow) -> str:
    return row.failure or ", ".join(failures(row)) or "not measured"


def _values(row: ResultRow, metrics: tuple[BenchMetric, ...]) -> list[float]:
    return [value for each in row.rounds if (value := metrics[0].read(each)) is not None]


def _percent(value: float, end: float) -> float:
    return round(100 * value / end, 2)


def _medians(
    report: BenchReport, rows: tuple[ResultRow, ...], metrics: list[BenchMetric]
) -> ResultTable:
    def cells(row: ResultRow) -> tuple[str, ...]:
        return tuple(each.text(median(row, each)) for each in metrics) if row.rounds else ()

    return ResultTable(
        caption="Medians of the rounds",
        columns=tuple(metric.heading for metric in metrics),
        lines=tuple(_line(report, row, cells(row), _notes(row)) for row in rows),
    )


def _ratios(
    report: BenchReport, workload: Workload, rows: tuple[ResultRow, ...], metrics: list[BenchMetric]
) -> ResultTable:
    baseline = report.row(workload.name, report.baseline)
    compared = [each for each in metrics if each.more_is_better is not None]

    def cells(row: ResultRow) -> tuple[str, ...]:
        found = (ratio(row, baseline, each) for each in compared)
        return tuple(over.text if over else "" for over in found)

    return ResultTable(
        caption=f"Ratio to {report.title_of(report.baseline)}: median of the rounds (low to high)",
        columns=tuple(metric.title for metric in compared),
        lines=tuple(
            _line(report, row, cells(row)) for row in rows if row.rounds and row is not baseline
        ),
    )


def _route_tables(report: BenchReport, rows: tuple[ResultRow, ...]) -> list[ResultTable]:
    """Return a table for each route of a replay."""
    by_route: dict[str, list[RouteFigures]] = {}
    for each in route_figures(rows):
        by_route.setdefault(each.route, []).append(each)
    return [
        ResultTable(
            caption=f"{route}, {figures[0].requests:,} requests in a round",
            columns=("p50 (ms)", "p95 (ms)", "errors", "other status"),
            lines=tuple(_route_line(report, each) for each in figures),
        )
        for route, figures in by_route.items()
    ]


def _route_line(report: BenchReport, each: RouteFigures) -> TableLine:
    counts = (sum(count for _, count in kinds) for kinds in (each.errors, each.changed))
    return TableLine(
        title=report.title_of(each.topology),
        cells=(P50.text(each.p50_ms), P95.text(each.p95_ms), *(f"{count:,}" for count in counts)),
        notes=tuple(f"{kind}: {count:,} times" for kind, count in (*each.errors, *each.changed)),
        is_baseline=each.topology == report.baseline,
    )


def _rounds(
    report: BenchReport, rows: tuple[ResultRow, ...], metrics: list[BenchMetric]
) -> ResultTable:
    def cells(number: int, each: Round) -> tuple[str, ...]:
        values = (metric.text(metric.read(each)) for metric in metrics)
        return (str(number), *values, f"{each.driven.generator_share:.0%}")

    return ResultTable(
        caption="Each round",
        columns=("round", *(metric.heading for metric in metrics), "load generator's CPU"),
        lines=tuple(
            _line(report, row, cells(number, each))
            for row in rows
            for number, each in zip(row.numbers, row.rounds, strict=True)
        ),
    )


def _line(
    report: BenchReport, row: ResultRow, cells: tuple[str, ...], notes: tuple[str, ...] = ()
) -> TableLine:
    return TableLine(
        title=report.title_of(row.topology),
        cells=cells,
        notes=notes,
        is_baseline=row.topology == report.baseline,
    )


def _notes(row: ResultRow) -> tuple[str, ...]:
    if not row.rounds:
        return (_missing(row),)
    counted = (f"{why}: {times:,} times in all rounds" for why, times in failures(row).items())
    return tuple(filter(None, (row.failure, *counted)))


@cache
def _environment() -> "Environment":
    environment = template_environment("django_tandem.bench", autoescape=True)
    environment.finalize = _printable
    return environment


def _printable(value: object) -> object:
    """Replace what UTF-8 can't encode and HTML may not contain, as a path or an error may."""
    if type(value) is not str:
        return value
    return "".join(
        "\ufffd" if unicodedata.category(each) in UNPRINTABLE and each not in "\n\t" else each
        for each in value
    )

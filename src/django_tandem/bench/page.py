"""A report as one HTML file that loads nothing: charts, all numbers, failures, how to repeat."""

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django_tandem.bench.charts import Chart, charts, missing
from django_tandem.bench.metrics import METRICS, Metric, median, peak_generator_share, ratio
from django_tandem.bench.report import warnings
from django_tandem.bench.results import Report, Row, failures
from django_tandem.bench.workload import Workload

if TYPE_CHECKING:
    from jinja2 import Environment

# Control characters, halves of surrogate pairs, and code points without a character.
UNPRINTABLE = ("Cc", "Cs", "Cn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One topology, or one round of it; without ``cells`` the ``notes`` take their place."""

    title: str
    cells: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of one workload."""

    caption: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One workload: what it sends, its charts and its tables; the last has every round."""

    workload: Workload
    description: str
    charts: list[Chart]
    tables: tuple[Table, ...]
    rounds: Table


def page(report: Report) -> str:
    """Return ``report`` as an HTML file."""
    template = _environment().get_template("page.html.j2")
    return template.render(
        report=report,
        sections=[_section(report, workload) for workload in report.workloads],
        warnings=warnings(report),
        generator_share=f"{peak_generator_share(report):.0%}",
    )


def _section(report: Report, workload: Workload) -> Section:
    rows = report.rows_of(workload)
    metrics = [each for each in METRICS if any(median(row, each) is not None for row in rows)]
    return Section(
        workload=workload,
        description=_description(workload),
        charts=charts(report, workload) if metrics else [],
        tables=(_medians(report, rows, metrics), _ratios(report, workload, rows, metrics)),
        rounds=_rounds(report, rows, metrics),
    )


def _description(workload: Workload) -> str:
    """Return what a workload sends; of headers only the names, as they may be secrets."""
    parts = []
    if workload.path is not None:
        body = f" with a body of {len(workload.body.encode()):,} bytes" if workload.body else ""
        parts.append(
            f"{workload.method} {workload.path}{body}, on {workload.connections:,} connections"
        )
    if sockets := workload.sockets:
        parts.append(
            f"{sockets.count:,} WebSockets open on {sockets.path}, each measured by "
            f"{sockets.measure} every {sockets.every_s:g} s"
        )
    if workload.headers:
        parts.append(f"with the headers {', '.join(name for name, _ in workload.headers)}")
    return "; ".join(parts)


def _medians(report: Report, rows: tuple[Row, ...], metrics: list[Metric]) -> Table:
    return Table(
        caption="Medians of the rounds",
        columns=tuple(metric.heading for metric in metrics),
        lines=tuple(
            Line(
                title=report.title_of(row.topology),
                cells=tuple(each.text(median(row, each)) for each in metrics) if row.rounds else (),
                notes=_notes(row),
                is_baseline=row.topology == report.baseline,
            )
            for row in rows
        ),
    )


def _notes(row: Row) -> tuple[str, ...]:
    if not row.rounds:
        return (missing(row),)
    counted = (f"{why}: {times:,} times in all rounds" for why, times in failures(row).items())
    return tuple(filter(None, (row.failure, *counted)))


def _ratios(
    report: Report, workload: Workload, rows: tuple[Row, ...], metrics: list[Metric]
) -> Table:
    baseline = report.row(workload.name, report.baseline)
    compared = [each for each in metrics if each.more_is_better is not None]
    return Table(
        caption=f"Ratio to {report.title_of(report.baseline)}: median of the rounds (low to high)",
        columns=tuple(metric.title for metric in compared),
        lines=tuple(
            Line(
                title=report.title_of(row.topology),
                cells=tuple(
                    over.text if (over := ratio(row, baseline, each)) else "" for each in compared
                ),
            )
            for row in rows
            if row.rounds and row is not baseline
        ),
    )


def _rounds(report: Report, rows: tuple[Row, ...], metrics: list[Metric]) -> Table:
    return Table(
        caption="Each round",
        columns=("round", *(metric.heading for metric in metrics), "load generator's CPU"),
        lines=tuple(
            Line(
                title=report.title_of(row.topology),
                cells=(
                    str(number),
                    *(metric.text(metric.read(each)) for metric in metrics),
                    f"{each.driven.generator_share:.0%}",
                ),
                is_baseline=row.topology == report.baseline,
            )
            for row in rows
            for number, each in zip(row.numbers, row.rounds, strict=True)
        ),
    )


@cache
def _environment() -> "Environment":
    # Most commands render no page, and importing Jinja takes time.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    return Environment(
        loader=PackageLoader("django_tandem.bench"),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _printable(value: object) -> object:
    """Replace what UTF-8 can't encode and HTML may not contain, as a path or an error may."""
    if type(value) is not str:
        return value
    return "".join(
        "\ufffd" if unicodedata.category(each) in UNPRINTABLE and each not in "\n\t" else each
        for each in value
    )

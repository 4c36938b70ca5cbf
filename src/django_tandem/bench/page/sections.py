"""A report's workloads → the sections of the page."""

from dataclasses import dataclass

from markupsafe import Markup

from django_tandem.bench.measured import Report
from django_tandem.bench.page.charts import Chart, charts
from django_tandem.bench.page.drawing import SHADES, drawing
from django_tandem.bench.page.sentences import sentences
from django_tandem.bench.page.tables import Table, medians, ratios, rounds
from django_tandem.bench.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A chart, drawn; ``key`` tells the shades of a bar apart: how dense each is, and its name."""

    chart: Chart
    svg: Markup
    key: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One workload: what was asked, what came of it in words, in charts and in numbers."""

    anchor: str
    workload: Workload
    asked: str
    sentences: tuple[str, ...]
    charts: tuple[Drawn, ...]
    medians: Table
    ratios: Table
    rounds: Table


def sections(report: Report) -> tuple[Section, ...]:
    """Return one for each workload."""
    return tuple(_section(report, *each) for each in enumerate(report.workloads, start=1))


def _section(report: Report, place: int, workload: Workload) -> Section:
    anchor = f"workload-{place}"
    return Section(
        anchor=anchor,
        workload=workload,
        asked=asked(workload),
        sentences=sentences(report, workload),
        charts=tuple(_drawn(each, anchor, workload) for each in charts(report, workload)),
        medians=medians(report, workload),
        ratios=ratios(report, workload),
        rounds=rounds(report, workload),
    )


def _drawn(chart: Chart, anchor: str, workload: Workload) -> Drawn:
    return Drawn(
        chart=chart,
        svg=drawing(chart, name=f"{anchor}-{chart.name}", of=workload.name),
        key=tuple(zip(SHADES.get(len(chart.steps), ()), chart.steps, strict=True)),
    )


def asked(workload: Workload) -> str:
    """Return what was asked, in words; of headers only the names, for there may be secrets."""
    parts = []
    if workload.path is not None:
        body = f" with a body of {len(workload.body.encode()):,} bytes" if workload.body else ""
        parts.append(
            f"{workload.method} {workload.path}{body}, on {workload.connections:,} connections "
            "that each ask again as soon as they are answered"
        )
    if workload.sockets:
        parts.append(
            f"{workload.sockets.count:,} WebSockets open on {workload.sockets.path}, each measured "
            f"by {workload.sockets.measure} every {workload.sockets.every_s:g} s"
        )
    if workload.headers:
        parts.append(f"with headers {', '.join(name for name, _ in workload.headers)}")
    return "; ".join(parts)

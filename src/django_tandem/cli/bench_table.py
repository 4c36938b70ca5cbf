"""What `tandem bench` measured, as tables: one for each workload, a row for each topology."""

from collections.abc import Sequence

from django_tandem.bench.measured import Report, Row
from django_tandem.bench.ratios import FIGURES, REQUESTS, Figure, median, ratio
from django_tandem.bench.report import warnings
from django_tandem.cli import console


def show(report: Report) -> None:
    """Print the tables to stdout, and what must be known of them to stderr."""
    for each in report.topologies:
        console.line_out(f"{each.title}: {each.what}")
    for workload in report.workloads:
        rows = [row for row in report.rows if row.workload == workload.name]
        console.line_out(f"\n{workload.name}")
        _table(report, rows, has_sockets=workload.sockets is not None)
    for told in warnings(report):
        console.line_err(told)


def _table(report: Report, rows: Sequence[Row], *, has_sockets: bool) -> None:
    titles = {each.name: each.title for each in report.topologies}
    # A column that no row has anything in tells nothing.
    shown = [f for f in FIGURES if any(median(row, f) is not None for row in rows)]
    if shown:
        heads = [head for figure in shown for head in _heads(figure, report)]
        lines = [
            [titles[row.topology], *(cell for f in shown for cell in _cells(row, f, report))]
            for row in rows
            if row.rounds
        ]
        console.table(("", *heads), lines)
    for row in rows:
        if row.failure:
            console.line_out(f"{titles[row.topology]}: {row.failure}")
    for row in rows:
        if has_sockets and row.rounds and not any(each.driven.sockets for each in row.rounds):
            console.line_out(f"{titles[row.topology]}: asked without the WebSockets.")
        for why, times in _why(row):
            console.line_out(f"{titles[row.topology]}: {why}, {times} times")


def _heads(figure: Figure, report: Report) -> list[str]:
    head = figure.title.upper() + (f" ({figure.unit})" if figure.unit not in ("", "/s") else "")
    return [head, f"÷ {report.baseline.upper()}"] if figure is REQUESTS else [head]


def _cells(row: Row, figure: Figure, report: Report) -> list[str]:
    middle = median(row, figure)
    shown = "" if middle is None else f"{middle:.{figure.digits}f}"
    return [shown, _ratio(row, figure, report)] if figure is REQUESTS else [shown]


def _ratio(row: Row, figure: Figure, report: Report) -> str:
    found = ratio(row, report.row(row.workload, report.baseline), figure)
    if found is None or row.topology == report.baseline:
        return ""
    return f"{found.median:.2f} ({found.low:.2f} to {found.high:.2f})"


def _why(row: Row) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for each in row.rounds:
        of_sockets = each.driven.sockets.why if each.driven.sockets else ()
        for why, times in (*each.driven.why, *((f"WebSocket {w}", n) for w, n in of_sockets)):
            counts[why] = counts.get(why, 0) + times
    return sorted(counts.items())

"""A report's workload → tables of its numbers, ready to be read."""

from dataclasses import dataclass

from django_tandem.bench.measured import Report, Round, Row
from django_tandem.bench.page.reasons import reason, remarks
from django_tandem.bench.page.telling import (
    MISSING,
    row_of,
    share,
    times,
    title_of,
    told,
    topologies,
)
from django_tandem.bench.ratios import FIGURES, REQUESTS, Figure, median, ratio
from django_tandem.bench.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One topology, or one round of it: its ``cells``, or none; and what else there is to say."""

    title: str
    cells: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    is_baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The ``columns`` are titles with their units."""

    columns: tuple[str, ...]
    lines: tuple[Line, ...]


def medians(report: Report, workload: Workload) -> Table:
    """Return each topology's medians over its rounds; one without any says why."""
    figures = _figures(report, workload)
    return Table(
        columns=tuple(map(_column, figures)),
        lines=tuple(_medians(report, workload, name, figures) for name in topologies(report)),
    )


def _medians(report: Report, workload: Workload, name: str, figures: tuple[Figure, ...]) -> Line:
    row = row_of(report, workload, name)
    return Line(
        title=title_of(report, name),
        cells=tuple(told(median(row, each), each) for each in figures) if row.rounds else (),
        remarks=remarks(report, row) if row.rounds else (reason(report, row, REQUESTS),),
        is_baseline=name == report.baseline,
    )


def ratios(report: Report, workload: Workload) -> Table:
    """Return each topology over the baseline: the median of the rounds' ratios, and the bounds."""
    baseline = row_of(report, workload, report.baseline)
    found = (row_of(report, workload, name) for name in topologies(report))
    rows = [row for row in found if row.rounds and row.topology != report.baseline]
    figures = [
        figure
        for figure in _figures(report, workload)
        if _is_comparable(figure) and any(ratio(row, baseline, figure) for row in rows)
    ]
    return Table(
        columns=tuple(figure.title for figure in figures),
        lines=tuple(
            Line(
                title=title_of(report, row.topology),
                cells=tuple(_ratio(row, baseline, figure) for figure in figures),
            )
            for row in rows
            if figures
        ),
    )


def _is_comparable(figure: Figure) -> bool:
    """Tell whether a ratio means anything: of failures, each is one too many."""
    return figure.more_is_better is not None and figure.name != "failed"


def _ratio(row: Row, baseline: Row, figure: Figure) -> str:
    found = ratio(row, baseline, figure)
    if found is None:
        return MISSING
    if len(row.rounds) == 1:
        return times(found.median)
    return f"{times(found.median)} ({times(found.low)}\u2009\u2013\u2009{times(found.high)})"


def rounds(report: Report, workload: Workload) -> Table:
    """Return what each round saw, one by one."""
    figures = _figures(report, workload)
    rows = [row_of(report, workload, name) for name in topologies(report)]
    return Table(
        columns=("round", *map(_column, figures), "load generator, of one CPU"),
        lines=tuple(
            Line(
                title=title_of(report, row.topology),
                cells=(str(place), *_one_round(each, figures)),
                is_baseline=row.topology == report.baseline,
            )
            for row in rows
            for place, each in zip(row.numbers, row.rounds, strict=True)
        ),
    )


def _one_round(each: Round, figures: tuple[Figure, ...]) -> tuple[str, ...]:
    read = (told(figure.read(each), figure) for figure in figures)
    return (*read, share(each.driven.generator_share))


def _figures(report: Report, workload: Workload) -> tuple[Figure, ...]:
    """Return those that any of its rows has."""
    rows = [row for row in report.rows if row.workload == workload.name]
    return tuple(each for each in FIGURES if any(median(row, each) is not None for row in rows))


def _column(figure: Figure) -> str:
    # "requests/s" has its unit in its title.
    return f"{figure.title}, {figure.unit}" if figure.unit.isalpha() else figure.title

"""A report's workload → charts as plain values: what is long, what is said, what is missing."""

from dataclasses import dataclass

from django_tandem.bench.measured import Report, Row
from django_tandem.bench.page.reasons import in_short, reason
from django_tandem.bench.page.telling import (
    printable,
    roughly,
    row_of,
    title_of,
    topologies,
    with_unit,
)
from django_tandem.bench.ratios import FIGURES, MEMORY, P99, REQUESTS, SOCKET_P99, Figure, median
from django_tandem.bench.workload import Workload

BY_NAME = {figure.name: figure for figure in FIGURES}
REQUEST_LATENCY = (BY_NAME["p50_ms"], BY_NAME["p95_ms"], P99)
SOCKET_LATENCY = (BY_NAME["socket_p50_ms"], SOCKET_P99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """
    One topology in a chart.

    ``lengths`` are one within the other, the last is the longest; ``points`` are what each round
    had of it. Without ``lengths`` there is no bar, and ``words`` say why; with them, ``words``
    say what else is to be known.
    """

    title: str
    value: str = ""
    lengths: tuple[float, ...] = ()
    points: tuple[float, ...] = ()
    words: str = ""
    is_baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars from zero, in one ``unit``; ``steps`` name the lengths where there are several."""

    name: str
    title: str
    unit: str
    better: str
    bars: tuple[Bar, ...]
    steps: tuple[str, ...] = ()

    @property
    def end(self) -> float:
        """How long the longest of it is."""
        return max((length for bar in self.bars for length in bar.lengths + bar.points), default=0)


def charts(report: Report, workload: Workload) -> tuple[Chart, ...]:
    """Return the charts that this workload can have."""
    found = []
    if workload.path is not None:
        found += [
            _chart(report, workload, "Requests a second", (REQUESTS,)),
            _chart(report, workload, "Time to an answer", REQUEST_LATENCY),
        ]
    if workload.sockets:
        title = f"WebSocket latency, by {workload.sockets.measure}"
        found.append(_chart(report, workload, title, SOCKET_LATENCY))
    return (*found, _chart(report, workload, "Memory", (MEMORY,)))


def _chart(report: Report, workload: Workload, title: str, figures: tuple[Figure, ...]) -> Chart:
    last = figures[-1]
    return Chart(
        name=last.name,
        title=title,
        unit=last.unit,
        better="more is better" if last.more_is_better else "less is better",
        bars=tuple(_bar(report, workload, name, figures) for name in topologies(report)),
        steps=tuple(figure.title.split()[-1] for figure in figures) if len(figures) > 1 else (),
    )


def _bar(report: Report, workload: Workload, name: str, figures: tuple[Figure, ...]) -> Bar:
    row, last = row_of(report, workload, name), figures[-1]
    title, is_baseline = printable(title_of(report, name)), name == report.baseline
    numbers = [median(row, figure) for figure in figures]
    lengths = tuple(each for each in numbers if each is not None)
    if len(lengths) < len(figures):
        return Bar(title=title, words=printable(reason(report, row, last)), is_baseline=is_baseline)
    return Bar(
        title=title,
        value=with_unit(" · ".join(map(roughly, lengths)), last.unit),
        lengths=lengths,
        points=_points(row, last),
        words=in_short(report, row, last),
        is_baseline=is_baseline,
    )


def _points(row: Row, figure: Figure) -> tuple[float, ...]:
    found = (figure.read(each) for each in row.rounds)
    return tuple(each for each in found if each is not None)

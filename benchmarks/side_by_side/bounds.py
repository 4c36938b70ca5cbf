"""The ratios and their bounds: each is the median of the rounds of one session."""

from dataclasses import dataclass

from results import Ratio

from django_tandem.bench.report import BenchReport
from django_tandem.bench.results import (
    MEMORY,
    REQUESTS,
    SOCKET_P99,
    BenchMetric,
    ResultRow,
    median,
    ratio,
)
from django_tandem.bench.topology import Topology
from django_tandem.bench.workload import Workload
from side_by_side.loads import ASYNC_256, MIXED, SYNC

ALL_ASGI = ("daphne", "uvicorn", "granian", "hypercorn", "gunicorn-asgi")
# With more failures, a comparison means nothing.
FAILED_SHARE = 0.01
# The one of ALL_ASGI with the most requests per second.
BEST = "the best stock all-ASGI"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One topology's figure over another's, under one workload."""

    workload: Workload
    figure: BenchMetric
    over: str
    under: str
    at_least: float


BOUNDS = (
    Bound(workload=MIXED, figure=REQUESTS, over="tandem", under=BEST, at_least=5),
    Bound(workload=MIXED, figure=REQUESTS, over="tandem", under="uvicorn-pool", at_least=2.3),
    Bound(workload=MIXED, figure=REQUESTS, over="tandem", under="reference", at_least=1),
    Bound(workload=SYNC, figure=REQUESTS, over="tandem", under="gunicorn", at_least=0.97),
    Bound(workload=MIXED, figure=SOCKET_P99, over="reference", under="tandem", at_least=1.8),
    Bound(workload=MIXED, figure=SOCKET_P99, over="uvicorn-pool", under="tandem", at_least=1.6),
    # With tandem's handler, which is its default.
    Bound(workload=ASYNC_256, figure=REQUESTS, over="tandem", under="uvicorn", at_least=2),
    # The gain of WSGI's lower priority, and its cost. By hand it brings the same, so that a
    # comparison can say how much is owed to nice.
    Bound(workload=MIXED, figure=SOCKET_P99, over="tandem-level", under="tandem", at_least=1.3),
    Bound(workload=MIXED, figure=REQUESTS, over="tandem", under="tandem-level", at_least=0.9),
    # Daphne is one process in both.
    Bound(workload=SYNC, figure=MEMORY, over="reference", under="tandem-daphne", at_least=1.4),
)


def is_bound(topology: Topology, workload: Workload) -> bool:
    """Return whether a ratio needs that topology under that workload."""
    return any(
        workload.name == bound.workload.name
        and (topology.name in (bound.over, bound.under) or _may_be_best(topology, bound))
        for bound in BOUNDS
    )


def ratios(report: BenchReport) -> dict[str, Ratio]:
    """Return the ratios whose topologies and workloads are in the session."""
    found = {}
    for bound in BOUNDS:
        under = _best(report, bound.workload) if bound.under == BEST else bound.under
        above = report.row(bound.workload.name, bound.over)
        below = report.row(bound.workload.name, under)
        if above is not None and below is not None:
            name = f"{bound.workload.name}, {bound.figure.title}: {bound.over} / {under}"
            found[name] = _ratio(above, below, bound)
    return found


def _ratio(above: ResultRow, below: ResultRow, bound: Bound) -> Ratio:
    for row in (above, below):
        if row.failure or _fails(row):
            why = row.failure or "more than one in a hundred requests failed"
            return Ratio(value=None, at_least=bound.at_least, why=f"{row.topology}: {why}")
    over = ratio(above, below, bound.figure)
    value, why = (over.median, None) if over else (None, "no round of both")
    return Ratio(value=value, at_least=bound.at_least, why=why)


def _fails(row: ResultRow) -> bool:
    failed = sum(each.driven.failed for each in row.rounds)
    return failed > FAILED_SHARE * sum(each.driven.answered for each in row.rounds)


def _may_be_best(topology: Topology, bound: Bound) -> bool:
    return bound.under == BEST and topology.name in ALL_ASGI


def _best(report: BenchReport, workload: Workload) -> str:
    rows = [row for each in ALL_ASGI if (row := report.row(workload.name, each)) is not None]
    return max(rows, key=lambda row: median(row, REQUESTS) or 0.0).topology if rows else ""

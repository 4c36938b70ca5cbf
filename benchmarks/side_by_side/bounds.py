"""The ratios that must be reached: each of one session, round by round, and their median."""

from dataclasses import dataclass

from results import Ratio

from django_tandem.bench.measured import Report
from django_tandem.bench.ratios import MEMORY, REQUESTS, SOCKET_P99, Figure, median, ratio
from django_tandem.bench.topology import Topology
from django_tandem.bench.workload import Workload
from side_by_side.loads import ASYNC_256, MIXED, SYNC

ALL_ASGI = ("daphne", "uvicorn", "granian", "hypercorn", "gunicorn-asgi")
# Stands for the one of them that serves the most.
BEST = "the best stock all-ASGI"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One topology's figure over another's, under one workload."""

    workload: Workload
    figure: Figure
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
    Bound(workload=ASYNC_256, figure=REQUESTS, over="tandem", under="uvicorn", at_least=1),
    Bound(workload=ASYNC_256, figure=REQUESTS, over="tandem-ours", under="uvicorn", at_least=2),
    # Daphne is one process, so that both have as many of each kind.
    Bound(workload=SYNC, figure=MEMORY, over="reference", under="tandem-daphne", at_least=1.4),
)


def is_bound(topology: Topology, workload: Workload) -> bool:
    """Return whether a ratio is made of what that topology does under that workload."""
    return any(
        workload.name == bound.workload.name
        and (topology.name in (bound.over, bound.under) or _may_be_best(topology, bound))
        for bound in BOUNDS
    )


def ratios(report: Report) -> dict[str, Ratio]:
    """Return those whose topologies and workloads are in the session."""
    found = {}
    for bound in BOUNDS:
        under = _best(report, bound.workload) if bound.under == BEST else bound.under
        above = report.row(bound.workload.name, bound.over)
        below = report.row(bound.workload.name, under)
        if above is not None and below is not None:
            over = ratio(above, below, bound.figure)
            name = f"{bound.workload.name}, {bound.figure.title}: {bound.over} / {under}"
            # What could not be measured has reached nothing.
            found[name] = Ratio(value=over.median if over else 0.0, at_least=bound.at_least)
    return found


def _may_be_best(topology: Topology, bound: Bound) -> bool:
    return bound.under == BEST and topology.name in ALL_ASGI


def _best(report: Report, workload: Workload) -> str:
    rows = [row for each in ALL_ASGI if (row := report.row(workload.name, each)) is not None]
    return max(rows, key=lambda row: median(row, REQUESTS) or 0.0).topology if rows else ""

"""The rounds of a replay → one figure for each route and topology."""

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django_tandem.bench.results import Latency, ResultRow, RouteResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFigures:
    """
    One route on one topology: the medians of the rounds, in milliseconds.

    ``requests`` is the number of a round. ``errors`` and ``changed`` count the kinds of all rounds.
    """

    route: str
    topology: str
    requests: int
    p50_ms: float | None
    p95_ms: float | None
    errors: tuple[tuple[str, int], ...]
    changed: tuple[tuple[str, int], ...]


def route_figures(rows: Iterable[ResultRow]) -> list[RouteFigures]:
    """Return the figures of each route in each of ``rows``, the most requested route first."""
    found = [_figures(row, route) for row in rows for route in _routes(row)]
    most = Counter[str]()
    for each in found:
        most[each.route] = max(most[each.route], each.requests)
    # Sorted by nothing else, the topologies of a route keep their order.
    return sorted(found, key=lambda each: (-most[each.route], each.route))


def _routes(row: ResultRow) -> list[str]:
    return sorted({result.route for each in row.rounds for result in each.driven.routes})


def _figures(row: ResultRow, route: str) -> RouteFigures:
    results = [each for one in row.rounds for each in one.driven.routes if each.route == route]
    latencies = [each.latency for each in results if each.latency is not None]
    return RouteFigures(
        route=route,
        topology=row.topology,
        requests=max(map(_requests, results), default=0),
        p50_ms=_median(latencies, "p50_ms"),
        p95_ms=_median(latencies, "p95_ms"),
        errors=_total(each.errors for each in results),
        changed=_total(each.changed for each in results),
    )


def _requests(result: RouteResult) -> int:
    return result.requests


def _median(latencies: list[Latency], name: str) -> float | None:
    return statistics.median(getattr(each, name) for each in latencies) if latencies else None


def _total(kinds: Iterable[Iterable[tuple[str, int]]]) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    for each in kinds:
        counts.update(dict(each))
    return tuple(counts.most_common())

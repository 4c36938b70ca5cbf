"""The rounds of a replay become figures of each route."""

from bench.reports import HYBRID, WSGI, latency, measured, row

from django_tandem.bench.replay.routes import RouteFigures, route_figures
from django_tandem.bench.results import RouteResult


def _result(route: str, p99_ms: float | None, requests: int = 10, **changes) -> RouteResult:
    given = latency(p99_ms) if p99_ms else None
    return RouteResult(route=route, requests=requests, latency=given, **changes)


def test_a_figure_is_the_median_of_the_rounds() -> None:
    """The kinds of errors are added up."""
    rounds = [
        measured(1, 1, routes=(_result("/a/", 40, errors=(("status 500", 1),)),)),
        measured(1, 1, routes=(_result("/a/", 80, errors=(("status 500", 2),)),)),
        measured(1, 1, routes=(_result("/a/", 400, changed=(("302 instead of 200", 3),)),)),
    ]

    assert route_figures([row(WSGI, *rounds)]) == [
        RouteFigures(
            route="/a/",
            topology=WSGI,
            requests=10,
            p50_ms=20,
            p95_ms=40,
            errors=(("status 500", 3),),
            changed=(("302 instead of 200", 3),),
        )
    ]


def test_the_most_requested_route_is_first_on_each_topology() -> None:
    """The topologies are in the order of the rows."""
    results = (_result("/a/", None, 1), _result("/b/", 9, 5), _result("/c/", 9, 5))
    rows = [row(HYBRID, measured(1, 1, routes=results)), row(WSGI, measured(1, 1, routes=results))]
    figures = route_figures(rows)

    assert [(each.route, each.topology) for each in figures] == [
        (route, topology) for route in ("/b/", "/c/", "/a/") for topology in (HYBRID, WSGI)
    ]
    assert figures[-1].p50_ms is None


def test_rounds_of_one_url_have_no_routes() -> None:
    """Only a replay has."""
    assert route_figures([row(WSGI, measured(1, 1))]) == []

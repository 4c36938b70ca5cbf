"""The advice on all routes of a plan: its order, its JSON and its page."""

import re

import pytest
from cli.json_page import documented_keys

from builders import plan, verdict
from django_tandem.advisor.report import capacity_of, make_report, render_page
from django_tandem.advisor.rules import Recommendation
from django_tandem.inprocess.access_log import header_text
from django_tandem.model import Stack, View
from django_tandem.monitor.minutes import RouteMinute, bucket_of


def served(route: str, stack: str, number: int, *, count: int, each_s: float, cpu_s: float):
    return RouteMinute(
        minute=number,
        route=route,
        stack=stack,
        statuses={200: count},
        durations={bucket_of(each_s): count},
        worker_s=count * each_s,
        cpu_s=count * cpu_s,
        cpu_known=count,
    )


@pytest.fixture
def report():
    shop = plan(
        verdict("/report/"), verdict("/offers/"), verdict("/unused/"), verdict("/live/", Stack.ASGI)
    )
    records = [
        each
        for minute in range(100)
        for each in (
            served("/report/", "wsgi", minute, count=30, each_s=0.09, cpu_s=0.088),
            served("/offers/", "wsgi", minute, count=60, each_s=0.25, cpu_s=0.004),
            served("/live/", "asgi", minute, count=60, each_s=0.25, cpu_s=0.004),
        )
    ]
    return make_report(shop, records, capacity_of(shop, wsgi_server="gunicorn", cpus=2.0))


def test_moves_come_first_and_then_what_holds_workers(report) -> None:
    """A route without a request is listed as well."""
    assert [(each.evidence.route, each.verdict.value) for each in report.advice] == [
        ("/offers/", "move to ASGI"),
        ("/unused/", "not enough data"),
        ("/report/", "stay on WSGI"),
        ("/live/", "already right"),
    ]
    assert report.moves(Recommendation.TO_WSGI) == ()


def test_a_route_is_found_by_its_pattern(report) -> None:
    """The command resolves every other name."""
    assert report.find("/report/").evidence.route == "/report/"
    assert report.find("/reports/") is None


@pytest.mark.parametrize("pattern", ["/größe/", f"/{'a' * 600}/"])
def test_a_route_is_found_as_the_history_has_it(pattern) -> None:
    """In ASCII, and cut; the advice has its pattern."""
    shop = plan(verdict(pattern))
    records = [served(header_text(pattern), "wsgi", 0, count=7, each_s=0.1, cpu_s=0.1)]
    capacity = capacity_of(shop, wsgi_server="gunicorn", cpus=2.0)

    (advice,) = make_report(shop, records, capacity).advice

    assert (advice.evidence.route, advice.evidence.requests) == (pattern, 7)


@pytest.mark.parametrize(
    ("home", "stack", "cpu_s"), [(Stack.ASGI, "wsgi", 0.004), (Stack.WSGI, "asgi", 0.24)]
)
def test_a_route_that_has_moved_is_not_to_move(home, stack, cpu_s) -> None:
    """Until the history has its requests on the new stack, there is nothing else to judge."""
    shop = plan(verdict("/moved/", home, view=View(dotted="shop.moved")))
    records = [
        served("/moved/", stack, minute, count=60, each_s=0.25, cpu_s=cpu_s)
        for minute in range(100)
    ]
    (found,) = make_report(
        shop, records, capacity_of(shop, wsgi_server="gunicorn", cpus=2.0)
    ).advice

    assert found.code.reason == f"in the history; now on {home.upper()}, as the test has it"
    assert (found.verdict, found.gain, found.commands) == (Recommendation.RIGHT, None, ())
    assert found.reasons == (
        f"It is on {home.upper()} by now: the history has its requests on {stack.upper()} alone, "
        "which were a reason to move it.",
    )


def test_the_json_has_the_keys_of_the_documentation(report) -> None:
    """Those of the whole, of a route, of its gain and of its evidence."""
    found = report.as_json()
    route = found["routes"][0]

    assert documented_keys("tandem advise") == [
        set(found),
        set(route),
        set(route["gain"]),
        set(route["evidence"]),
    ]
    assert route["verdict"] == "move to ASGI"
    assert found["routes"][1]["gain"] is None


def test_the_workers_are_those_of_the_plan() -> None:
    """Waitress has threads of one process, which share an interpreter."""
    shop = plan(verdict("/"), verdict("/live/", Stack.ASGI), tandem={"WSGI": {"WORKERS": 3}})

    forked, threaded = (
        capacity_of(shop, wsgi_server=name, cpus=2.0) for name in ("gunicorn", "waitress")
    )

    assert (forked.wsgi_workers, forked.asgi_workers, forked.stretch) == (3, 2, 2.5)
    assert (threaded.has_wsgi_threads, threaded.stretch) == (True, 3.0)


def test_the_page_loads_nothing_and_escapes_its_texts(report) -> None:
    """A route and a reason are texts of the project."""
    html = render_page(report)

    assert "<b>move to ASGI</b>" in html
    assert "default-src 'none'" in html
    assert not re.search(r"(src|href)=", html)
    shop = plan(verdict("/<script>/"))
    records = [served("/<script>/", "wsgi", 0, count=7, each_s=0.1, cpu_s=0.1)]
    odd = make_report(shop, records, capacity_of(shop, wsgi_server="gunicorn", cpus=2.0))
    assert "/&lt;script&gt;/" in render_page(odd)
    assert "/<script>/" not in render_page(odd)

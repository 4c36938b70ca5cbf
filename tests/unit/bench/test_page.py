"""The report's page: one file that loads nothing and has every number, failure and command."""

import re

import pytest
from bench.markup import Element, lines, read
from bench.reports import (
    ASGI,
    HYBRID,
    LOTS,
    MIXED,
    ONLY_SOCKETS,
    REPLAY,
    WSGI,
    all_failed,
    failed,
    latency,
    measured,
    report,
    row,
    sockets,
    steady,
    whole,
)

from django_tandem.bench.page import charts, page
from django_tandem.bench.results import RouteResult, TopologySummary
from django_tandem.bench.workload import Workload

HOSTILE = """<script>alert("1")</script> & ' </title></svg> {0} 中文"""


def _every_kind():
    rows = [
        *whole(),
        row(HYBRID, measured(700, 50, sockets=sockets()), workload=MIXED),
        row(WSGI, measured(700, 50), workload=MIXED),
        failed(ASGI, "server ended with code 1", workload=MIXED),
        row(HYBRID, measured(0, None, sockets=sockets()), workload=ONLY_SOCKETS),
        row(WSGI, workload=ONLY_SOCKETS, failure="It has no WebSockets."),
        row(ASGI, all_failed(sockets=sockets(None, opened=0)), workload=ONLY_SOCKETS),
    ]
    return report(rows, (LOTS, MIXED, ONLY_SOCKETS), was_cut=True, notes=("A note.",))


@pytest.fixture(scope="module")
def text() -> str:
    return page(_every_kind())


@pytest.fixture(scope="module")
def parsed(text) -> Element:
    return read(text)


def test_it_loads_nothing(text, parsed) -> None:
    """It has no URL, no script and no external resource, and a policy that enforces this."""
    policies = [
        each.attributes["content"]
        for each in parsed.all("meta")
        if each.attributes.get("http-equiv") == "Content-Security-Policy"
    ]

    assert not re.search(r"https?:|//[a-z]|@import|src=", text)
    assert {each.tag for each in parsed.all()}.isdisjoint({"script", "link", "img", "iframe"})
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_each_workload_has_the_charts_that_apply(parsed) -> None:
    """A workload without requests, or without WebSockets, has no chart of them."""
    titles = [
        [figure.one("figcaption").one("b").text for figure in section.all("figure")]
        for section in parsed.all("section")
    ]

    assert titles == [
        ["Requests per second", "Latency", "Memory"],
        ["Requests per second", "Latency", "WebSocket latency, by ping", "Memory"],
        ["WebSocket latency, by ping", "Memory"],
    ]


def test_every_number_is_in_a_table_with_its_spread(parsed) -> None:
    """Medians, ratios with the lowest and the highest, and each round."""
    medians, ratios, rounds = parsed.all("section")[0].all("table")

    assert lines(medians)[0][:5] == ["Hybrid", "702", "12.0", "24.0", "48.0"]
    assert lines(ratios)[0][:2] == ["WSGI only", "1.01 (1.01 to 1.01)"]
    assert [line[:3] for line in lines(rounds)[:3]] == [
        ["Hybrid", "1", "674"],
        ["Hybrid", "2", "702"],
        ["Hybrid", "3", "723"],
    ]


def test_failures_are_in_the_tables_and_the_charts(parsed) -> None:
    """With their number, or as the reason of a missing row."""
    _, mixed, only_sockets = parsed.all("section")

    assert ["ASGI only", "server ended with code 1"] in lines(mixed.all("table")[0])
    assert "status 500: 400 times in all rounds" in only_sockets.all("table")[0].text
    assert "It has no WebSockets." in only_sockets.all("figure")[0].text


def test_bars_share_the_scale_of_their_chart() -> None:
    """They are in percent of the longest bar or round, and start at zero."""
    requests = charts(report(whole()), LOTS)[0]
    hybrid, wsgi, _ = requests.bars

    assert wsgi.rounds[-1] == 100
    assert hybrid.lengths == (pytest.approx(100 * 702 / (711 * 1.03), abs=0.02),)
    assert hybrid.is_baseline


def test_names_and_errors_are_escaped() -> None:
    """Markup in a name, a path or an error is shown as text."""
    workload = Workload(name=HOSTILE, path=f"/{HOSTILE}")
    given = report(
        [steady(HYBRID, 700, 50, workload=workload), failed(HOSTILE, HOSTILE, workload=workload)],
        [workload],
        topologies=(TopologySummary(name=HYBRID, title=HOSTILE, what=HOSTILE),),
        title=HOSTILE,
        command=HOSTILE,
        machine={HOSTILE: HOSTILE},
        versions={HOSTILE: HOSTILE},
        notes=(HOSTILE,),
    )
    found = read(page(given))
    shown = " ".join(HOSTILE.split())

    assert not found.all("script")
    assert [each.text for each in found.all("h1") + found.all("h2")[:1]] == [shown, shown]
    assert found.one("code").text == shown


def test_unprintable_characters_are_replaced() -> None:
    """A control character, or half of a surrogate pair, as a command line may have."""
    workload = Workload(name="a\x1b\x00b\udce9c", path="/")
    rows = [steady("b\x1b\udce9", 700, 50, workload=workload)]
    text = page(report(rows, [workload], command="c\udce9"))

    assert "a\ufffd\ufffdb\ufffdc" in read(text).text
    assert text.encode()


def test_it_has_no_secrets() -> None:
    """Headers are named without their values, a body has only its size."""
    workload = Workload(
        name="bid",
        path="/bid/",
        method="POST",
        body="password=x",
        headers=(("Authorization", "Token 123"),),
    )
    text = page(report([steady(HYBRID, 700, 50, workload=workload)], [workload]))

    assert "Token 123" not in text
    assert "password" not in text
    assert "with a body of 10 bytes" in text
    assert "with the headers Authorization" in text


def test_it_says_how_to_repeat_the_measurement(parsed) -> None:
    """With the command, the servers, the machine and the versions."""
    facts = [(each.tag, each.text) for each in parsed.all() if each.tag in ("dt", "dd")]
    pairs = [(term[1], fact[1]) for term, fact in zip(facts[::2], facts[1::2], strict=True)]

    assert [each.text for each in parsed.all("p", "warning")] == [
        "A note.",
        "The session was interrupted; only finished rounds are shown.",
    ]
    assert parsed.one("code").text == "tandem bench /api/lots/ --rounds 3"
    assert ("ASGI only", "Uvicorn with 3 workers") in pairs
    assert ("memory (MB)", "24576") in pairs
    assert ("django", "5.2.19") in pairs


def test_the_same_report_is_the_same_page(text) -> None:
    """So that kept pages can be compared."""
    assert page(_every_kind()) == text


def test_a_replay_has_a_table_of_each_route() -> None:
    """With the kinds of errors, and without the queries of the log."""
    result = RouteResult(route="/a/", requests=9, latency=latency(40), errors=(("status 500", 2),))
    rows = [row(HYBRID, measured(1, 1, routes=(result,)), workload=REPLAY)]
    text = page(report(rows, [REPLAY]))

    assert "60 s of nginx.log at 2 times its speed, number of requests: 1" in text
    assert "<h4>/a/, 9 requests in a round</h4>" in text
    assert "status 500: 2 times" in text
    assert "secret" not in text
    assert "Requests per second" not in text

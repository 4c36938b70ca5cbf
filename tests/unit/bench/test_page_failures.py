"""What failed is shown as failed, with the reason: never a zero, never left out."""

import pytest
from bench.markup import Element, lines, read
from bench.reports import (
    ASGI,
    HYBRID,
    LOTS,
    MIXED,
    ONLY_SOCKETS,
    WSGI,
    all_failed,
    failed,
    measured,
    report,
    row,
    sockets,
    steady,
    whole,
)

from django_tandem.bench.page import page
from django_tandem.bench.page.telling import MISSING


def _page(*rows, workload=LOTS, **changes) -> Element:
    return read(page(report(rows, [workload], **changes)))


def _tables(found: Element) -> list[list[list[str]]]:
    return [lines(table) for table in found.all("table")]


def _said(found: Element, chart: int = 0) -> list[str]:
    return [each.text for each in found.all("svg")[chart].all("text")]


def test_what_did_not_start_is_a_row_with_its_reason() -> None:
    """It is in the table and in each chart, and in no ratio."""
    found = _page(*whole()[:2], failed(ASGI, "server ended with code 1: no module uvloop"))
    medians, ratios, rounds = _tables(found)

    assert medians[2] == ["ASGI only", "✕ server ended with code 1: no module uvloop"]
    assert [line[0] for line in ratios] == ["WSGI only"]
    assert {line[0] for line in rounds} == {"Hybrid", "WSGI only"}
    for chart in range(3):
        assert "✕ server ended with code 1: no module uvloop" in _said(found, chart)


def test_what_never_came_up_may_have_no_title() -> None:
    """Then it goes by its name."""
    found = _page(*whole(), failed("asgi:daphne", "daphne is not installed"))

    assert _tables(found)[0][3] == ["asgi:daphne", "✕ daphne is not installed"]


def test_what_died_half_way_keeps_its_rounds_and_says_so() -> None:
    """Its numbers are of the rounds that it finished, and told to be."""
    died = failed(ASGI, "In round 3 server died.", measured(130, 400), measured(134, 390))
    found = _page(*whole()[:2], died)
    medians, ratios, rounds = _tables(found)

    assert medians[2][:2] == ["ASGI only", "132"]
    assert medians[3] == ["", "2 of 3 rounds; In round 3 server died."]
    assert [line[0] for line in ratios] == ["WSGI only", "ASGI only"]
    assert [line[1] for line in rounds if line[0] == "ASGI only"] == ["1", "2"]
    assert "2 of 3 rounds" in _said(found)


def test_where_every_request_failed_there_is_no_speed() -> None:
    """Nothing answered is told in words; how many failed, and how, is told too."""
    found = _page(*whole()[:2], row(ASGI, all_failed(), all_failed(), all_failed()))
    medians, ratios, _ = _tables(found)

    assert "✕ no request was answered: status 500" in _said(found, 0)
    assert "✕ no request was answered: status 500" in _said(found, 1)
    assert _said(found, 0).count("0/s") == 1  # where the scale begins
    assert medians[2][:6] == ["ASGI only", *[MISSING] * 4, "400"]
    assert medians[3][1] == "requests that failed, in all rounds: status 500 (1,200)"
    assert ratios[1][1] == MISSING


def test_some_failures_are_told_beside_the_bar() -> None:
    """A server that turns most of them away is not the fastest."""
    shed = measured(700, 50, failed=7000, why=(("status 503", 7000),))
    found = _page(steady(HYBRID, 700, 50), row(ASGI, shed, shed, shed))

    assert "50 % of requests failed" in _said(found)


def test_websockets_that_were_all_refused_have_no_latency() -> None:
    """The chart says that none could be opened, and why."""
    refused = sockets(None, opened=0, why=(("handshake answered 403", 50),))
    found = _page(
        row(HYBRID, measured(700, 50, sockets=sockets()), workload=MIXED),
        row(ASGI, measured(130, 400, sockets=refused), workload=MIXED),
        workload=MIXED,
    )

    assert "✕ no WebSocket could be opened: handshake answered 403" in _said(found, 2)
    assert "WebSockets that failed, in all rounds: handshake answered 403 (50)" in found.text


def test_who_has_no_websockets_is_said_to_have_none() -> None:
    """Beside requests, and where there was nothing else to ask for."""
    rows = (
        row(HYBRID, measured(700, 50, sockets=sockets()), workload=MIXED),
        row(WSGI, measured(700, 50), workload=MIXED),
        row(HYBRID, measured(0, None, sockets=sockets()), workload=ONLY_SOCKETS),
        row(WSGI, workload=ONLY_SOCKETS),
    )
    found = read(page(report(rows, (MIXED, ONLY_SOCKETS))))

    assert "✕ it has no WebSockets" in _said(found, 2)
    assert ["WSGI only", "✕ it has no WebSockets"] in _tables(found)[3]


def test_a_baseline_that_failed_leaves_no_ratios() -> None:
    """It says that there is nothing to compare with; the others keep their numbers."""
    found = _page(failed(HYBRID, "nginx is not installed."), *whole()[1:])

    assert found.one("p", "sentence").text == (
        "Hybrid has no requests/s to compare the others with: nginx is not installed."
    )
    assert [line[0] for line in _tables(found)[0]] == ["Hybrid", "WSGI only", "ASGI only"]
    assert len(_tables(found)) == 2


def test_where_nothing_was_finished_every_row_says_so() -> None:
    """A session that was ended at once has its rows, and no bar."""
    found = _page(row(HYBRID), row(ASGI), was_cut=True)

    assert _tables(found) == [
        [
            ["Hybrid", "✕ not measured"],
            ["ASGI only", "✕ not measured"],
            ["WSGI only", "✕ not measured"],
        ]
    ]
    assert [each.text for each in found.all("p", "warning")] == [
        "This session was ended before its last round: what was finished by then is shown."
    ]


def test_an_empty_report_is_a_page() -> None:
    """With no workload, or none of anything."""
    for given in (report([], []), report([], [LOTS], topologies=(), machine={}, versions={})):
        found = read(page(given))

        assert found.one("p", "sentence").text == "Nothing was measured."
        assert not found.all("svg")
        assert not found.all("table")


def test_one_round_has_no_spread() -> None:
    """No dots, no bounds, and a word about it."""
    found = _page(row(HYBRID, measured(700, 50)), row(ASGI, measured(130, 400)))
    ratios = _tables(found)[1]

    assert ratios[0][:3] == ["ASGI only", "0.19", "8.0"]
    assert not found.all("use")
    assert found.one("p", "warning").text == (
        "There was one round only: how much the numbers vary is not known."
    )


def test_a_load_generator_that_was_the_bottleneck_is_told() -> None:
    """With where it was so; one that was not is told in the method alone."""
    busy = _page(steady(HYBRID, 700, 50, rounds={"generator_share": 0.97}), *whole()[1:])
    calm = _page(*whole())

    assert busy.one("p", "warning").text == (
        "The load generator was the bottleneck: it took nearly a whole CPU itself, and the "
        "servers may be faster than is shown. It was so in /api/lots/ on Hybrid (97 %)."
    )
    assert not calm.all("p", "warning")
    assert "It took 31 % of one CPU" in calm.text


def test_failures_have_no_ratio() -> None:
    """Half as many failures is nothing to be proud of."""
    flawed = [measured(700, 50, failed=count, why=(("status 500", count),)) for count in (10, 20)]
    found = _page(row(HYBRID, flawed[1]), row(ASGI, flawed[0]))
    heads = [cell.text for cell in found.all("table")[1].one("thead").all("th")]

    assert heads == ["topology", "requests/s", "p50", "p95", "p99", "memory"]


def test_a_round_without_answers_is_not_in_the_median_and_told() -> None:
    """The bar is of the rounds that had any."""
    found = _page(*whole()[:2], row(ASGI, measured(130, 400), all_failed(), all_failed()))

    assert any(each.startswith("1 of 3 rounds, ") for each in _said(found))


@pytest.mark.parametrize(
    ("answered", "told"), [(9999, "under 1 %"), (7000, "30 %"), (20, "over 99 %")]
)
def test_a_few_failures_are_not_none_and_most_are_not_all(answered, told) -> None:
    """They are rounded, but not to what they are not."""
    count = 10_000 - answered
    some = measured(answered / 10, 50, failed=count, why=(("status 503", count),))

    assert f"{told} of requests failed" in _said(_page(row(HYBRID, some)))

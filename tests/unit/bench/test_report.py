"""The report holds what there is, and JSON can say all of it."""

import json
import math

import pytest
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
    whole,
)

from django_tandem.bench.measured import Report
from django_tandem.bench.report import facts, machine, versions, warnings

PARTIAL = (
    row(HYBRID, measured(700, 40, sockets=sockets()), workload=MIXED),
    failed(WSGI, "It did not start.", workload=MIXED),
    failed(
        ASGI,
        "In round 2: server died 1 times.",
        measured(100, 400, sockets=sockets(None, opened=0)),
        workload=MIXED,
    ),
)
REPORTS = {
    "whole": report(whole()),
    "empty": report(),
    "no rounds": report([row(HYBRID), row(WSGI), row(ASGI)], was_cut=True),
    "all failed": report([row(HYBRID, all_failed()), row(ASGI, all_failed("connection broken"))]),
    "partial": report(PARTIAL, [MIXED]),
    "only WebSockets": report(
        [row(ASGI, all_failed(sockets=sockets()), workload=ONLY_SOCKETS)], [ONLY_SOCKETS]
    ),
}


def _read(given: Report):
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(json.dumps(facts(given)), parse_constant=refuse)


@pytest.mark.parametrize("given", REPORTS.values(), ids=REPORTS.keys())
def test_every_report_can_be_written_as_json_and_read_again(given) -> None:
    """With a row for each that there is, its rounds and its failure as they are."""
    read = _read(given)

    assert [each["topology"] for each in read["rows"]] == [each.topology for each in given.rows]
    assert [each["failure"] for each in read["rows"]] == [each.failure for each in given.rows]
    assert [len(each["rounds"]) for each in read["rows"]] == [
        len(each.rounds) for each in given.rows
    ]
    assert read["was_cut"] is given.was_cut
    assert math.isfinite(read["generator_share"])


def test_each_row_has_its_medians_and_its_ratios_to_the_baseline() -> None:
    """Rounded where they are shown, and whole in the rounds."""
    hybrid, wsgi, asgi = _read(report(whole()))["rows"]

    assert hybrid["figures"]["requests_per_second"] == {
        "median": 702,
        "ratio": {"median": 1, "low": 1, "high": 1},
    }
    assert wsgi["figures"]["requests_per_second"]["ratio"]["median"] == pytest.approx(711 / 702)
    assert asgi["figures"]["p99_ms"]["median"] == 393
    assert asgi["rounds"][0]["driven"]["seconds"] == 10


def test_what_was_not_measured_has_no_figure() -> None:
    """Neither a zero nor a null."""
    _, did_not_start, died = _read(REPORTS["partial"])["rows"]

    assert did_not_start["figures"] == {}
    assert "socket_p99_ms" not in died["figures"]
    (all_bad,) = _read(report([row(HYBRID, all_failed())]))["rows"]
    assert {"requests_per_second", "p99_ms", "cpu_ms_a_request"}.isdisjoint(all_bad["figures"])
    assert all_bad["figures"]["failed"]["median"] == 400


def test_without_a_baseline_there_are_medians_and_no_ratios() -> None:
    """It did not start."""
    given = report([failed(HYBRID, "It did not start."), row(ASGI, measured(100, 10))])
    figures = _read(given)["rows"][1]["figures"]

    assert figures["requests_per_second"] == {"median": 100, "ratio": None}


def test_a_generator_that_was_too_busy_is_told_of() -> None:
    """For then it was what was measured."""
    (told,) = warnings(report([row(ASGI, measured(9000, 1, generator_share=0.97))]))

    assert told.startswith("The load generator took 97% of a CPU: ")
    assert warnings(report([row(ASGI, measured(9000, 1, generator_share=0.9))])) == []


def test_a_session_that_was_cut_says_so() -> None:
    """Behind what else is to be known."""
    told = warnings(report(whole(), was_cut=True, notes=("Measured without TLS.",)))

    assert told == [
        "Measured without TLS.",
        "It was ended before its last round; the rounds that were finished are kept.",
    ]


def test_the_machine_is_told_by_what_decides_the_figures() -> None:
    """Numbers above zero, and the system's own name."""
    found = machine()

    assert found["cpus"] > 0
    assert found["memory_mb"] > 0
    assert json.dumps(found["system"])


def test_only_packages_that_are_installed_have_a_version() -> None:
    """And Python itself."""
    found = versions(["django", "no-such-package-of-anybody"])

    assert set(found) == {"python", "django"}


def test_the_workloads_are_told_as_they_were_asked() -> None:
    """So that they can be asked again."""
    read = _read(report(whole(), [LOTS, MIXED]))

    assert read["workloads"][0]["path"] == "/api/lots/"
    assert read["workloads"][1]["sockets"]["count"] == 50

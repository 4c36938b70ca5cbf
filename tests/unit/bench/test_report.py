"""The report as JSON, and its warnings."""

import json
import math

import pytest
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
    whole,
)

from django_tandem.bench.report import BenchReport, as_json, machine, versions, warnings
from django_tandem.bench.results import RouteResult

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


def _read(given: BenchReport):
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(json.dumps(as_json(given)), parse_constant=refuse)


@pytest.mark.parametrize("given", REPORTS.values(), ids=REPORTS.keys())
def test_every_report_is_valid_json(given) -> None:
    """With each row, its rounds and its failure."""
    read = _read(given)

    assert [each["topology"] for each in read["rows"]] == [each.topology for each in given.rows]
    assert [each["failure"] for each in read["rows"]] == [each.failure for each in given.rows]
    assert [len(each["rounds"]) for each in read["rows"]] == [
        len(each.rounds) for each in given.rows
    ]
    assert read["was_cut"] is given.was_cut
    assert math.isfinite(read["generator_share"])


def test_each_row_has_its_medians_and_its_ratios_to_the_baseline() -> None:
    """Beside the rounds themselves."""
    hybrid, wsgi, asgi = _read(report(whole()))["rows"]

    assert hybrid["figures"]["requests_per_second"] == {
        "median": 702,
        "ratio": {"median": 1, "low": 1, "high": 1},
    }
    assert wsgi["figures"]["requests_per_second"]["ratio"]["median"] == pytest.approx(711 / 702)
    assert asgi["figures"]["p99_ms"]["median"] == 393
    assert asgi["rounds"][0]["driven"]["seconds"] == 10


def test_a_missing_number_has_no_key() -> None:
    """Neither zero nor null."""
    _, did_not_start, died = _read(REPORTS["partial"])["rows"]

    assert did_not_start["figures"] == {}
    assert "socket_p99_ms" not in died["figures"]
    (all_bad,) = _read(report([row(HYBRID, all_failed())]))["rows"]
    assert {"requests_per_second", "p99_ms", "cpu_ms_a_request"}.isdisjoint(all_bad["figures"])
    assert all_bad["figures"]["failed"]["median"] == 400


def test_without_a_baseline_there_are_medians_and_no_ratios() -> None:
    """The baseline did not start."""
    given = report([failed(HYBRID, "It did not start."), row(ASGI, measured(100, 10))])
    figures = _read(given)["rows"][1]["figures"]

    assert figures["requests_per_second"] == {"median": 100, "ratio": None}


def test_a_busy_load_generator_is_a_warning() -> None:
    """It may have been the bottleneck."""
    busy, _ = warnings(report([row(ASGI, measured(9000, 1, generator_share=0.97))]))

    assert busy == (
        "The load generator used 97% of a CPU and may have been the bottleneck: the fastest rows "
        "show its limit. Use fewer connections, or a slower URL."
    )


def test_a_single_round_is_a_warning() -> None:
    """Nothing shows how much the numbers vary."""
    assert warnings(report([row(ASGI, measured(9000, 1, generator_share=0.9))])) == [
        "There was only one round: the spread is unknown."
    ]


@pytest.mark.parametrize("workload", [MIXED, ONLY_SOCKETS])
def test_websockets_that_never_opened_are_a_warning(workload) -> None:
    """The path may be one that no consumer serves; where one has opened, it is right."""
    none = measured(700, 40, sockets=sockets(None, opened=0, why=(("handshake: status 404", 50),)))
    some = measured(700, 40, sockets=sockets(opened=1))
    rows = [row(each, none, none, workload=workload) for each in (HYBRID, ASGI)]

    assert warnings(report(rows, workloads=(workload,))) == [
        "No WebSocket opened on /ws/lots/1/ (handshake: status 404). Name a path that a consumer "
        "serves: `--ws /ws/lots/1/`, and a `--header` that it needs."
    ]
    found = report([*rows, row(WSGI, none, some, workload=workload)], workloads=(workload,))
    assert warnings(found) == []


def test_an_interrupted_session_is_a_warning() -> None:
    """After the notes."""
    found = warnings(report(whole(), was_cut=True, notes=("Measured without TLS.",)))

    assert found == [
        "Measured without TLS.",
        "The session was interrupted; only finished rounds are shown.",
    ]


def test_the_machine_has_its_cpus_memory_and_system() -> None:
    """They decide the results."""
    found = machine()

    assert found["cpus"] > 0
    assert found["memory_mb"] > 0
    assert json.dumps(found["system"])


def test_only_installed_packages_have_a_version() -> None:
    """And Python itself."""
    found = versions(["django", "no-such-package-of-anybody"])

    assert set(found) == {"python", "django"}


def test_the_workloads_are_in_the_report() -> None:
    """So that they can be repeated."""
    read = _read(report(whole(), [LOTS, MIXED]))

    assert read["workloads"][0]["path"] == "/api/lots/"
    assert read["workloads"][1]["sockets"]["count"] == 50


def _replayed() -> BenchReport:
    result = RouteResult(
        route="/a/", requests=9, latency=latency(40), changed=(("302 instead of 200", 9),)
    )
    return report([row(WSGI, measured(1, 1, routes=(result,)), workload=REPLAY)], [REPLAY])


def test_the_json_of_a_replay_has_its_mix_and_no_secret() -> None:
    """A query and a cookie may be one."""
    read = _read(_replayed())

    assert read["workloads"][0]["replay"] == {
        "source": "nginx.log",
        "began": "1970-01-01T00:00:00+00:00",
        "span_s": 60,
        "speed": 2,
        "requests": 1,
        "routes": {"/a/": 1},
        "left_out": {"POST requests": 1200, "files": 3},
    }
    assert [(each["route"], each["p95_ms"]) for each in read["routes"]] == [("/a/", 20)]
    assert "secret" not in json.dumps(read)


def test_what_a_replay_is_not_is_a_warning() -> None:
    """What was left out, and the pages that are not those of the log."""
    assert warnings(_replayed())[-2:] == [
        "Left out of the replay: POST requests (1,200), files (3).",
        "Other statuses than recorded: /a/ (302 instead of 200). "
        "A log has no cookies: give those of a session by `--header`.",
    ]

"""A fan-out's report: medians of the rounds, the slowest storms, reasons to distrust."""

from typing import Any

from django_tandem.bench import fanout_report as reports
from django_tandem.bench.fanout_report import FanoutReport
from django_tandem.bench.fanout_results import (
    BroadcastResult,
    FanoutRound,
    FanoutRow,
    IdleResult,
    StormResult,
)
from django_tandem.bench.fanout_session import KILL, RELOAD, FanoutSchedule
from django_tandem.bench.results import Latency

LATENCY = Latency(count=10, p50_ms=20.0, p95_ms=30.0, p99_ms=40.0, worst_ms=50.0)


def _sent(**changes: Any) -> BroadcastResult:
    given = {
        "sent": 10,
        "delivered": 10_000,
        "lost": 0,
        "repeated": 0,
        "closed": (),
        "seconds": 2.0,
        "servers_cpu_s": 0.5,
        "edge_cpu_s": 0.5,
        "generator_cpu_s": 0.2,
        "latency": LATENCY,
    }
    return BroadcastResult(**{**given, **changes})


def _idle(**changes: Any) -> IdleResult:
    given = {"wanted": 1000, "opened": 1000, "seconds": 3.0, "servers_kb": 30.0, "edge_kb": 2.0}
    return IdleResult(**{**given, **changes})


def _storm(seconds: float | None, cause: str = RELOAD) -> StormResult:
    return StormResult(cause=cause, closed=(("1012", 1000),), seconds=seconds, reopening=LATENCY)


def _report(*rounds: FanoutRound, failure: str = "", **changes: Any) -> FanoutReport:
    row = FanoutRow(topology="hybrid", title="Hybrid", rounds=rounds, failure=failure)
    given = {
        "title": "it",
        "at": "2026-01-01",
        "command": "tandem bench",
        "path": "/ws/",
        "schedule": FanoutSchedule(count=1000, rounds=1, seconds=2.0, cpus=2),
        "rows": (row,),
        "machine": {},
        "versions": {},
        "seconds": 1.0,
    }
    return FanoutReport(**{**given, **changes})


def test_the_figures_are_medians_of_the_rounds() -> None:
    """With the CPU time of the edge, and without it."""
    report = _report(
        *(FanoutRound(idle=_idle(), broadcast=_sent(servers_cpu_s=each)) for each in (0.4, 0.5, 1))
    )

    heads, lines = reports.delivery_table(report)
    assert dict(zip(heads, lines[0], strict=True)) == {
        "": "Hybrid",
        "OPENED": "1,000",
        "KB A SOCKET": "30.0",
        "EDGE'S KB": "2.0",
        "DELIVERIES/S A CORE": "20,000",
        "WITH THE EDGE": "10,000",
        "P50 (ms)": "20.0",
        "P99 (ms)": "40.0",
        "LOST": "0",
        "REPEATED": "0",
    }
    assert reports.as_json(report)["rows"][0]["figures"]["per_core"] == 20_000


def test_memory_that_the_kernel_does_not_report_has_no_figure() -> None:
    """The cell is empty."""
    _, lines = reports.delivery_table(_report(FanoutRound(idle=_idle(servers_kb=None))))

    assert lines[0][:4] == ("Hybrid", "1,000", "", "2.0")


def test_a_storm_is_that_of_the_slowest_round() -> None:
    """One that never ended is the slowest."""
    rounds = [FanoutRound(idle=_idle(), storms=(_storm(s), _storm(1.0, KILL))) for s in (2.0, None)]

    _, lines = reports.storm_table(_report(*rounds))

    assert [line[:4] for line in lines] == [
        ("Hybrid", "reload", "1,000", "never"),
        ("Hybrid", "kill", "1,000", "1.0"),
    ]


def test_busy_clients_and_refused_handshakes_are_reasons_to_distrust() -> None:
    """Each is named once."""
    idle = _idle(refused=(("status 503", 7),))
    sent = _sent(generator_cpu_s=3.8, closed=(("1006", 2),))

    assert list(reports.warnings(_report(FanoutRound(idle=idle, broadcast=sent)))) == [
        "The clients used 95% of a CPU in each of 2 processes and may have been the bottleneck: "
        "latencies include their queue. Deliveries a core do not.",
        "Hybrid: status 503, 7 times",
        "Hybrid: closed with 1006, 2 times",
    ]


def test_a_topology_that_failed_makes_the_report_incomplete() -> None:
    """Its finished rounds are kept."""
    assert reports.is_complete(_report())
    assert not reports.is_complete(_report(failure="It did not start."))

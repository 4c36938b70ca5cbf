"""Builders of what a session measured: whole, broken, partial and empty."""

from collections.abc import Iterable
from typing import Any

from django_tandem.bench.report import BenchReport
from django_tandem.bench.results import (
    DriverResult,
    Latency,
    ResourceUsage,
    ResultRow,
    Round,
    TopologySummary,
    WebSocketResult,
)
from django_tandem.bench.workload import Replay, TimedRequest, WebSockets, Workload

HYBRID, WSGI, ASGI = "hybrid", "wsgi", "asgi"
LOTS = Workload(name="/api/lots/", path="/api/lots/")
MIXED = Workload(
    name="lots, with WebSockets",
    path="/api/lots/",
    sockets=WebSockets(path="/ws/lots/1/", count=50),
)
ONLY_SOCKETS = Workload(name="WebSockets", path=None, sockets=WebSockets(path="/ws/lots/1/"))
REPLAY = Workload(
    name="the replay of nginx.log",
    path=None,
    headers=(("Cookie", "sessionid=secret"),),
    replay=Replay(
        source="nginx.log",
        span_s=60,
        speed=2,
        requests=(
            TimedRequest(at_s=0, method="GET", target="/a/?token=secret", route="/a/", status=200),
        ),
        left_out=(("POST requests", 1200), ("files", 3)),
    ),
)
TITLES = {HYBRID: "Hybrid", WSGI: "WSGI only", ASGI: "ASGI only"}
WHAT = {
    HYBRID: "NGINX, Gunicorn with 2 workers, Uvicorn with 1",
    WSGI: "Gunicorn with 3 workers",
    ASGI: "Uvicorn with 3 workers",
}


def latency(p99_ms: float) -> Latency:
    return Latency(
        count=1000, p50_ms=p99_ms / 4, p95_ms=p99_ms / 2, p99_ms=p99_ms, worst_ms=p99_ms * 2
    )


def sockets(p99_ms: float | None = 20, **changes: Any) -> WebSocketResult:
    return WebSocketResult(
        **{
            "wanted": 50,
            "opened": 50,
            "closed": 0,
            "latency": None if p99_ms is None else latency(p99_ms),
            **changes,
        }
    )


def measured(
    per_second: float, p99_ms: float | None, memory_mb: float = 200, **changes: Any
) -> Round:
    """One round of ten seconds; without a p99, nothing was answered."""
    return Round(
        driven=DriverResult(
            **{
                "seconds": 10.0,
                "answered": round(per_second * 10),
                "failed": 0,
                "latency": None if p99_ms is None else latency(p99_ms),
                "generator_share": 0.31,
                **changes,
            }
        ),
        use=ResourceUsage(cpu_s=14.0, memory_mb=memory_mb, threads=9, database_connections=3),
    )


def all_failed(why: str = "status 500", **changes: Any) -> Round:
    return measured(0, None, failed=400, why=((why, 400),), **changes)


def row(topology: str, *rounds: Round, workload: Workload = LOTS, **changes: Any) -> ResultRow:
    numbers = tuple(range(1, len(rounds) + 1))
    return ResultRow(
        **{
            "topology": topology,
            "workload": workload.name,
            "rounds": rounds,
            "numbers": numbers,
            **changes,
        }
    )


def failed(topology: str, why: str, *rounds: Round, workload: Workload = LOTS) -> ResultRow:
    return row(topology, *rounds, workload=workload, failure=why)


def steady(topology: str, per_second: float, p99_ms: float, **changes: Any) -> ResultRow:
    """Three rounds that differ a little."""
    return row(
        topology,
        *(
            measured(per_second * by, p99_ms / by, **changes.get("rounds", {}))
            for by in (0.96, 1, 1.03)
        ),
        workload=changes.get("workload", LOTS),
    )


def whole() -> tuple[ResultRow, ...]:
    return (steady(HYBRID, 702, 48), steady(WSGI, 711, 46), steady(ASGI, 132, 393))


def report(rows: Iterable[ResultRow] = (), workloads: Iterable[Workload] = (LOTS,), **changes: Any):
    return BenchReport(
        **{
            "title": "tandem bench /api/lots/",
            "at": "2026-11-22T19:40+00:00",
            "command": "tandem bench /api/lots/ --rounds 3",
            "baseline": HYBRID,
            "topologies": tuple(
                TopologySummary(name=name, title=TITLES[name], what=WHAT[name]) for name in TITLES
            ),
            "workloads": tuple(workloads),
            "rows": tuple(rows),
            "machine": {"cpus": 2, "memory_mb": 24576},
            "versions": {"django": "5.2.19", "python": "3.11.7"},
            **changes,
        }
    )

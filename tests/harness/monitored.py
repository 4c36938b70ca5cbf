"""A stack under load, as the monitor reports it, and a monitor that answers with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from django_tandem.model.scoreboard import InFlight, Threads, WorkerSlot
from django_tandem.model.shifts import SideFigures
from django_tandem.monitor.snapshot import (
    ChartMark,
    RouteTraffic,
    ShiftProgress,
    SlowRequest,
    Snapshot,
    StackTraffic,
    Traffic,
    WorkerState,
)
from django_tandem.runtime.probes.http_server import HttpServer, Pages, json_response
from django_tandem.runtime.probes.server import LoopThread
from django_tandem.runtime.state import METRICS_SOCKET

# A time of the sample, in seconds since the epoch.
NOW = 1_800_000_000.0
LOTS = "/api/lots/"
LOT = "/api/lots/<int:pk>/"
SOCKET = "/ws/lots/<int:lot_id>/"


def traffic(rate: float, p50_s: float, **more: float) -> Traffic:
    """Return traffic of one median, with the tail that such routes have."""
    return Traffic(
        requests_per_s=rate,
        p50_s=p50_s,
        p95_s=3 * p50_s,
        p99_s=6 * p50_s,
        busy_workers=rate * p50_s,
        **more,
    )


def worker(pid: int, stack: str, *in_flight: InFlight, generation: int = 3) -> WorkerState:
    """Return a worker with these requests in progress."""
    loop = stack == "asgi"
    slot = WorkerSlot(
        pid=pid,
        stack=stack,
        generation=generation,
        started_at=NOW - 7200,
        requests=4211,
        in_flight=in_flight,
        in_flight_count=len(in_flight),
        lag_s=0.002 if loop else None,
        lag_max_s=0.041 if loop else None,
        threads=Threads(size=8, idle=5) if loop else None,
        websockets={SOCKET: 52} if loop else {},
    )
    return WorkerState(slot=slot, cpu_percent=34.0, rss_mb=101.5, pss_mb=48.2)


def request(path: str, route: str, age_s: float, method: str = "GET") -> InFlight:
    """Return a request in progress since ``age_s``."""
    return InFlight(method=method, path=path, route=route, since=NOW - age_s, request_id="7f3a")


def sample(**changes: object) -> Snapshot:
    """Return a stack with a busy WSGI, sockets on ASGI and a slow report."""
    values = {
        "at": NOW,
        "started_at": NOW - 7500,
        "generation": 3,
        "stacks": (
            StackTraffic(
                stack="wsgi",
                traffic=traffic(812.4, 0.004, queue_p95_s=0.012, errors_per_s=0.3),
                workers=4,
                workers_busy=3,
                in_flight=3,
                queue_length=2,
                queue_limit=64,
            ),
            StackTraffic(
                stack="asgi",
                traffic=traffic(96.0, 0.002, queue_p95_s=0.001),
                workers=2,
                workers_busy=1,
                in_flight=1,
                queue_length=0,
                queue_limit=2048,
                websockets=104,
                streams=12,
            ),
        ),
        "routes": (
            RouteTraffic(
                route=LOTS, stack="wsgi", traffic=traffic(610.2, 0.004, queue_p95_s=0.012)
            ),
            RouteTraffic(
                route="/reports/<int:year>/",
                stack="wsgi",
                traffic=traffic(0.8, 1.2, queue_p95_s=0.012, errors_per_s=0.3, cpu_share=0.9),
            ),
            RouteTraffic(route=LOT, stack="wsgi", traffic=traffic(201.4, 0.003)),
            RouteTraffic(
                route="/api/shipping/<int:pk>/",
                stack="asgi",
                traffic=traffic(96.0, 0.002, cpu_share=0.04, handovers_per_s=1.5),
            ),
            RouteTraffic(route=SOCKET, stack="asgi", traffic=Traffic(), websockets=104),
            RouteTraffic(route="/feed/", stack="asgi", traffic=Traffic(), streams=12),
        ),
        "workers": (
            worker(4310, "wsgi", request("/reports/2026/", "/reports/<int:year>/", 2.4)),
            worker(4311, "wsgi", request("/api/lots/", LOTS, 0.004)),
            worker(4312, "wsgi", request("/api/lots/17/", LOT, 0.2, "PUT")),
            worker(4313, "wsgi"),
            worker(4320, "asgi", request("/api/shipping/4/", "/api/shipping/<int:pk>/", 0.6)),
            worker(4321, "asgi"),
        ),
        "slow": (
            SlowRequest(
                at=NOW - 340,
                route="/reports/<int:year>/",
                stack="wsgi",
                method="GET",
                path="/reports/2025/",
                status=504,
                duration_s=30.0,
                queue_s=0.01,
                cpu_s=27.2,
                request_id="9c1e",
            ),
        ),
        "marks": (
            ChartMark(at=NOW - 7500, kind="start", text="The stack was started."),
            ChartMark(at=NOW - 1500, kind="reload", text="Generation 3 is live."),
        ),
    }
    return Snapshot(**{**values, **changes})


def shifted(**changes: object) -> ShiftProgress:
    """Return the reports in the second of five steps."""
    values = {
        "route": "/reports/<int:year>/",
        "to": "asgi",
        "home": "wsgi",
        "state": "running",
        "percent": 5,
        "step": 2,
        "steps": 5,
        "reason": "Both sides are alike so far.",
        "on_trial": SideFigures(requests=412, p95_s=0.131),
        "at_home": SideFigures(requests=7911, failed=3, p95_s=0.14),
    }
    return ShiftProgress(**{**values, **changes})


def pages_of(snapshot: Snapshot, **others: object) -> Pages:
    """Return the page of a snapshot that never changes, and others by their names."""

    def page(value: object):
        async def answer(_):
            return json_response(HTTPStatus.OK, value)

        return answer

    pages = {"snapshot": snapshot.as_json(), **others}
    return {f"/{name}.json": page(value) for name, value in pages.items()}


@contextmanager
def serving(pages: Pages, *addresses: str) -> Iterator[None]:
    """Serve ``pages`` from a thread, as a monitor does."""
    server, thread = HttpServer(pages), LoopThread("monitor")
    thread.start()
    try:
        assert thread.submit(server.listen(addresses)).result(5) == []
        yield
    finally:
        thread.submit(server.listen(())).result(5)
        thread.close()


@contextmanager
def monitor_in(run_dir: Path, snapshot: Snapshot, **others: object) -> Iterator[None]:
    """Answer on the monitor's socket in ``run_dir``."""
    with serving(pages_of(snapshot, **others), str(run_dir / METRICS_SOCKET)):
        yield

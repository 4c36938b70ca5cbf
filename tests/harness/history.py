"""An hour of requests, as the monitor's history has it."""

import math
from dataclasses import asdict

from django_tandem.monitor.minutes import RouteMinute, bucket_of
from harness.monitored import LOT, LOTS, NOW

# Each with its stack, requests per second and median.
ROUTES = (
    (LOTS, "wsgi", 600, 0.004),
    (LOT, "wsgi", 200, 0.003),
    ("/reports/<int:year>/", "wsgi", 0.8, 1.2),
    ("/api/shipping/<int:pk>/", "asgi", 96, 0.002),
)


def hour(minutes: int = 60, *, now: float = NOW) -> list[dict]:
    """Return the records of the last minutes: waves of requests, and some errors."""
    last = int(now // 60)
    return [
        asdict(_record(minute, *route))
        for minute in range(last - minutes, last)
        for route in ROUTES
    ]


def _record(minute: int, route: str, stack: str, rate: float, median_s: float) -> RouteMinute:
    wave = 1 + 0.35 * math.sin(minute / 9) + 0.1 * math.sin(minute * 1.7)
    count = max(1, int(60 * rate * wave))
    failed = int(count * 0.002) if minute % 11 == 0 else 0
    slower = median_s * (1 + 0.4 * max(0.0, math.sin(minute / 5)))
    durations = {bucket_of(slower): count - count // 10, bucket_of(3 * slower): count // 10}
    return RouteMinute(
        minute=minute,
        route=route,
        stack=stack,
        statuses={200: count - failed, 502: failed} if failed else {200: count},
        durations=durations,
        queues={bucket_of((0.01 if stack == "wsgi" else 0.001) * wave): count},
        duration_s=count * slower,
    )

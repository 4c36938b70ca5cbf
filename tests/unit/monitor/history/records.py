"""Records for the tests of the history."""

from django_tandem.monitor.minutes import RouteMinute

# A minute that begins an hour and a day, in minutes since the epoch.
DAWN = 20_000 * 24 * 60


def record(minute: int = DAWN, route: str = "shop/", count: int = 4, **changes) -> RouteMinute:
    return RouteMinute(
        **{
            "minute": minute,
            "route": route,
            "stack": "wsgi",
            "statuses": {200: count},
            "durations": {60: count},
            "queues": {2: count},
            "duration_s": 0.5,
            "queue_s": 0.25,
            "cpu_s": 0.125,
            "cpu_known": count,
            "delay_s": 0.0625,
            "worker_s": 0.25,
            "bytes_sent": 1000,
            "handovers": 1,
            **changes,
        }
    )

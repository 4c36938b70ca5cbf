"""Records for the tests of the history."""

import sqlite3
from contextlib import closing

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
            "blocked_s": 0.0625,
            "unanswered_s": 0.03125,
            **changes,
        }
    )


def make_first_version(path) -> None:
    """Turn a history into one of the first version, which has fewer columns."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP VIEW route_minutes")
        for table in ("minutes", "ten_minutes", "hours"):
            for column in ("delay_us", "blocked_us", "unanswered_us"):
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("CREATE VIEW route_minutes AS SELECT 1")
        connection.execute("PRAGMA user_version = 1")

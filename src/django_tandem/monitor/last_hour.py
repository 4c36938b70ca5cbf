"""The records of the last hour, compressed: a page of them is made in one piece."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict

from django_tandem.monitor.minutes import OTHER_ROUTES, RouteMinute

HOUR_MINUTES = 60
# Of a minute; the others are one record of each stack. The history has them all.
MOST_RECORDS = 100
LEVEL = 1


class LastHour:
    """The records of the minutes that have ended, at most HOUR_MINUTES of them."""

    def __init__(self) -> None:
        self._minutes: dict[int, list[bytes]] = {}

    def add(self, records: Iterable[RouteMinute], now: float) -> None:
        """Add records of minutes; those that are not of the hour before ``now`` are forgotten."""
        by_minute: dict[int, list[RouteMinute]] = {}
        for record in records:
            by_minute.setdefault(record.minute, []).append(record)
        for minute, each in by_minute.items():
            text = json.dumps([asdict(one) for one in _busiest(each)])[1:-1]
            packed = zlib.compress(text.encode(), LEVEL)
            self._minutes.setdefault(minute, []).append(packed)
        # Also what a clock that was set back has left in the future.
        kept = range(int(now) // 60 - HOUR_MINUTES, int(now) // 60 + 1)
        self._minutes = {n: each for n, each in self._minutes.items() if n in kept}

    def as_json(self, since: int) -> bytes:
        """
        Return a JSON list of the records from the minute ``since`` on, the oldest first.

        A minute may have two records of a route, which are to be added.
        """
        found = [
            zlib.decompress(packed)
            for minute in sorted(self._minutes)
            for packed in self._minutes[minute]
            if minute >= since
        ]
        return b"[" + b", ".join(found) + b"]\n"


def _busiest(records: list[RouteMinute]) -> list[RouteMinute]:
    ordered = sorted(records, key=lambda each: (-each.worker_s, -each.requests))
    others: dict[tuple[str, bool], RouteMinute] = {}
    for record in ordered[MOST_RECORDS:]:
        key = (record.stack, record.is_long)
        if key not in others:
            others[key] = RouteMinute(record.minute, OTHER_ROUTES, *key)
        others[key].add(record)
    return [*ordered[:MOST_RECORDS], *others.values()]

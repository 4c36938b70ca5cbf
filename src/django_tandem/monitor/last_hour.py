"""The records of the last hour, compressed: a page of them is made in one piece."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict

from django_tandem.monitor.minutes import RouteMinute

HOUR_MINUTES = 60
# Two thousand routes a minute are half a megabyte of JSON, and a tenth of that compressed.
LEVEL = 1


class LastHour:
    """The records of the minutes that have ended, at most HOUR_MINUTES of them."""

    def __init__(self) -> None:
        self._minutes: dict[int, list[bytes]] = {}

    def add(self, records: Iterable[RouteMinute]) -> None:
        """Add records of minutes; the oldest minutes are forgotten."""
        by_minute: dict[int, list[RouteMinute]] = {}
        for record in records:
            by_minute.setdefault(record.minute, []).append(record)
        for minute, each in by_minute.items():
            packed = zlib.compress(json.dumps([asdict(one) for one in each])[1:-1].encode(), LEVEL)
            self._minutes.setdefault(minute, []).append(packed)
        for minute in sorted(self._minutes)[:-HOUR_MINUTES]:
            del self._minutes[minute]

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

"""Lines of an access log → the requests they record: tandem's text and JSON, NGINX's combined."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

COMBINED_TIME = "%d/%b/%Y:%H:%M:%S %z"

_REQUEST = r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[0-9.]+"'
# `tandem up` prints the program's name before a line, and journald and Docker print theirs.
_TEXT = re.compile(
    rf"(?P<time>\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) \S+ {_REQUEST} (?P<status>\d+) \d+ "
    r"(?P<duration>[0-9.]+)s \S+ (?P<by>\S*)$"
)
_COMBINED = re.compile(rf"\S+ \S+ [^\[]*\[(?P<time>[^\]]+)\] {_REQUEST} (?P<status>\d{{3}}) ")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """
    One request of an access log.

    ``ended_at`` is in seconds since the epoch, a whole number where ``is_whole_second``.
    ``route`` and ``stack`` are empty, and ``duration_s`` is None, where the log has none.
    """

    ended_at: float
    method: str
    target: str
    status: int
    route: str = ""
    stack: str = ""
    duration_s: float | None = None
    is_whole_second: bool = False

    @property
    def began_at(self) -> float:
        """When it arrived."""
        return self.ended_at - (self.duration_s or 0.0)


def read_requests(lines: Iterable[str]) -> Iterator[LoggedRequest]:
    """
    Yield the request of each line that records one; other lines are skipped.

    Where the log has whole seconds, the requests of a second are spread over it evenly: at one
    moment they would be a burst that never was.
    """
    found = filter(None, map(parse, lines))
    for second, group in groupby(found, key=_second):
        requests = iter(group)
        yield from requests if second is None else _spread(list(requests))


def parse(line: str) -> LoggedRequest | None:
    """Return the request that ``line`` records, in any of the formats; None for another line."""
    for read in (_from_json, _from_text, _from_combined):
        try:
            found = read(line)
        except (ValueError, TypeError, KeyError, OverflowError):
            continue
        if found is not None:
            return found
    return None


def _second(request: LoggedRequest) -> float | None:
    return request.ended_at if request.is_whole_second else None


def _spread(requests: list[LoggedRequest]) -> Iterator[LoggedRequest]:
    for index, request in enumerate(requests):
        yield replace(request, ended_at=request.ended_at + (index + 0.5) / len(requests))


def _from_json(line: str) -> LoggedRequest | None:
    start = line.find("{")
    if start < 0:
        return None
    fields: dict[str, Any] = json.loads(line[start:])
    duration = fields["duration_s"]
    return LoggedRequest(
        ended_at=datetime.fromisoformat(fields["time"]).timestamp(),
        method=str(fields["method"]),
        target=str(fields["path"]),
        status=int(fields["status"]),
        route=str(fields["route"]),
        stack=str(fields["stack"]),
        duration_s=_seconds(duration),
    )


def _from_text(line: str) -> LoggedRequest | None:
    found = _TEXT.search(line)
    return found and LoggedRequest(
        **_common(found, datetime.fromisoformat),
        stack=found["by"].rpartition(">")[2],
        duration_s=_seconds(found["duration"]),
        is_whole_second=True,
    )


def _from_combined(line: str) -> LoggedRequest | None:
    found = _COMBINED.search(line)
    return found and LoggedRequest(
        **_common(found, lambda text: datetime.strptime(text, COMBINED_TIME)),
        is_whole_second=True,
    )


def _common(found: re.Match[str], read_time: Callable[[str], datetime]) -> dict[str, Any]:
    return {
        "ended_at": read_time(found["time"]).timestamp(),
        "method": found["method"],
        "target": found["target"],
        "status": int(found["status"]),
    }


def _seconds(given: Any) -> float:
    found = float(given)
    if not math.isfinite(found) or found < 0:
        raise ValueError(given)
    return found

"""Requests a second on each stack, by the edge's own log."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

WINDOW_S = 5
# Lines are about 100 bytes, so this reaches back WINDOW_S seconds at 500 requests a second.
TAIL_BYTES = 256 * 1024
LINE = re.compile(r'^(?P<at>\d{4}-\S+) \S+ ".*" \d{3} \d+ [\d.]+s \S+ (?P<by>\S+)$')


def requests_per_second(log: Path, now_s: float) -> dict[str, float]:
    """Return the rate for "wsgi", "asgi" and "edge" over the last whole seconds; none: no log."""
    try:
        return _rates(_tail(log), int(now_s))
    except OSError:
        return {}


def _tail(log: Path) -> list[str]:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()


def _rates(lines: Iterable[str], now: int) -> dict[str, float]:
    # The log counts in whole seconds, and the one that runs is not over.
    seen: Counter[str] = Counter()
    earliest = now
    for line in lines:
        if not (found := LINE.match(line)):
            continue
        age_s = now - int(datetime.fromisoformat(found["at"]).timestamp())
        if 0 < age_s <= WINDOW_S:
            # "wsgi>asgi" was handed over: both had it.
            seen.update(found["by"].split(">"))
        earliest = min(earliest, now - age_s)
    # A busy log's tail does not reach back as far as the window.
    covered_s = max(1, min(WINDOW_S, now - earliest))
    return {by: round(seen[by] / covered_s, 1) for by in ("wsgi", "asgi", "edge")}

"""The table of handovers: each route, how often, and the pin that avoids them."""

import re
from collections.abc import Sequence

from django_tandem.cli import console
from django_tandem.inprocess.handover_counts import HandoverCount

# Where a pattern, Django's or a regular expression, stops being plain text.
_PLAIN = re.compile(r"[^<>()\[\]{}*+?|^$.\\]*")


def row(counted: HandoverCount) -> dict[str, object]:
    """Return the columns of one route that was handed over."""
    return {
        "route": counted.route,
        "to": counted.to,
        "times": counted.count,
        "pin": f'("{plain_prefix(counted.route)}", "{counted.to}")',
    }


def plain_prefix(route: str) -> str:
    """Return the longest path that every path of a route begins with, up to a whole segment."""
    found = _PLAIN.match(route)
    plain = found[0] if found else ""
    return plain if plain == route else plain[: plain.rfind("/") + 1]


def lines(rows: Sequence[dict[str, object]]) -> list[str]:
    """Return the lines of the table, after an empty one; none without a handover."""
    if not rows:
        return []
    cells = (tuple(str(cell) for cell in each.values()) for each in rows)
    return ["", *console.table_lines(("HANDED OVER", "TO", "TIMES", "PIN THAT AVOIDS IT"), cells)]

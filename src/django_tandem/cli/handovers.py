"""How hand-overs are shown: each route, how often, and the pin that would save the trip."""

import re
from collections.abc import Sequence

from django_tandem.cli import console
from django_tandem.inprocess.counts import Handovers

# Where a pattern, Django's or a regular expression, stops being plain text.
_PLAIN = re.compile(r"[^<>()\[\]{}*+?|^$.\\]*")


def row(counted: Handovers) -> dict[str, object]:
    """Return what is shown of one route that was handed over."""
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


def show(rows: Sequence[dict[str, object]]) -> None:
    """Print the table, when there is anything in it."""
    if rows:
        console.line_out("")
        console.table(
            ("HANDED OVER", "TO", "TIMES", "THIS PIN SAVES THE TRIP"),
            (tuple(str(cell) for cell in each.values()) for each in rows),
        )

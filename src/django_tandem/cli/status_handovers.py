"""The table of handovers: each route, how often, and the pin that avoids them."""

from collections.abc import Sequence

from django_tandem.cli import console
from django_tandem.inprocess.handover_counts import HandoverCount


def row(counted: HandoverCount) -> dict[str, object]:
    """Return the columns of one route that was handed over."""
    return {
        "route": counted.route,
        "to": counted.to,
        "times": counted.count,
        "pin": f'("{counted.pin}", "{counted.to}")' if counted.pin else "",
    }


def lines(rows: Sequence[dict[str, object]]) -> list[str]:
    """Return the lines of the table, after an empty one; none without a handover."""
    if not rows:
        return []
    cells = (tuple(str(cell) for cell in each.values()) for each in rows)
    return ["", *console.table_lines(("HANDED OVER", "TO", "TIMES", "PIN THAT AVOIDS IT"), cells)]

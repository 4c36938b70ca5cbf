"""How numbers and names are told."""

import unicodedata

from django_tandem.bench.measured import Report, Row
from django_tandem.bench.ratios import Figure
from django_tandem.bench.workload import Workload

MISSING = "\u2013"
# Control characters, halves of surrogate pairs, and what is no character at all.
UNSAID = ("Cc", "Cs", "Cn")


def row_of(report: Report, workload: Workload, topology: str) -> Row:
    """Return that row; one without rounds where the report has none."""
    found = report.row(workload.name, topology)
    return found or Row(workload=workload.name, topology=topology)


def told(value: float | None, figure: Figure) -> str:
    """Return a number as a table has it: to as many digits as were measured."""
    if value is None:
        return MISSING
    if figure.digits:
        return f"{value:,.{0 if value >= 100 else figure.digits}f}"
    return roughly(value)


def roughly(value: float) -> str:
    """Return a number as a sentence has it: to two digits or so, all of a large one."""
    digits = 0 if value >= 10 or value == int(value) else 1 if value >= 1 else 2
    return f"{value:,.{digits}f}"


def with_unit(text: str, unit: str) -> str:
    """Return a number that was told, followed by its unit."""
    return f"{text}{unit}" if unit.startswith("/") else f"{text} {unit}".strip()


def times(value: float) -> str:
    """Return how many times something is something else."""
    digits = 3 if 0 < value < 0.1 else 2 if value < 2 else 1 if value < 20 else 0
    return f"{value:,.{digits}f}"


def share(part: float) -> str:
    """Return a part in hundredths; what is little is not nothing, nor is most of it all."""
    if 0 < part < 0.01:
        return "under 1\u00a0%"
    return "over 99\u00a0%" if 0.99 < part < 1 else f"{100 * part:.0f}\u00a0%"


def printable(text: str) -> str:
    """Return ``text`` with what no page may hold made visible."""
    return "".join(
        "\ufffd" if unicodedata.category(each) in UNSAID and each not in "\n\t" else each
        for each in text
    )


def title_of(report: Report, topology: str) -> str:
    """Return a topology's title; one that never came up may have only its name."""
    found = (each.title for each in report.topologies if each.name == topology)
    return next(found, topology)


def topologies(report: Report) -> tuple[str, ...]:
    """Return the names of all of them, in the order of the rows."""
    names = [row.topology for row in report.rows]
    return tuple(dict.fromkeys([*names, *(each.name for each in report.topologies)]))

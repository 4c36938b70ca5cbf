"""What to know of the whole session before its numbers are believed."""

import statistics

from django_tandem.bench.measured import Report, Row
from django_tandem.bench.page.reasons import rounds_of
from django_tandem.bench.page.telling import share, title_of
from django_tandem.bench.ratios import busiest
from django_tandem.bench.report import TOO_BUSY


def warnings(report: Report) -> tuple[str, ...]:
    """Return what makes the numbers less than they look."""
    found = []
    if report.was_cut:
        found.append(
            "This session was ended before its last round: what was finished by then is shown."
        )
    if busiest(report) > TOO_BUSY:
        found.append(_busy(report))
    if rounds_of(report) == 1:
        found.append("There was one round only: how much the numbers vary is not known.")
    return tuple(found)


def _busy(report: Report) -> str:
    met = [
        f"{row.workload} on {title_of(report, row.topology)} ({share(_busiest(row))})"
        for row in report.rows
        if _busiest(row) > TOO_BUSY
    ]
    return (
        "The load generator was the bottleneck: it took nearly a whole CPU itself, and the "
        f"servers may be faster than is shown. It was so in {'; '.join(met)}."
    )


def _busiest(row: Row) -> float:
    return max((each.driven.generator_share for each in row.rounds), default=0.0)


def seconds_of(report: Report) -> str:
    """Return how long a round is, in seconds: the median of what they took."""
    took = [each.driven.seconds for row in report.rows for each in row.rounds]
    middle = statistics.median(took) if took else 0.0
    return f"{middle:.0f}" if middle >= 1 else f"{middle:.1f}"

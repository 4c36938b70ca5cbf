"""The advice as one HTML file that loads nothing."""

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from django_tandem.advisor.gains import sentences
from django_tandem.advisor.report import Report
from django_tandem.advisor.verdicts import MOVES, Advice
from django_tandem.render.target import template_environment

if TYPE_CHECKING:
    from jinja2 import Environment


def page(report: Report) -> str:
    """Return ``report`` as an HTML file."""
    template = _environment().get_template("page.html.j2")
    longest = max((each.evidence.workers for each in report.advice), default=0.0) or 1.0
    return template.render(
        report=report,
        begin=_time(report.begin),
        end=_time(report.end),
        moves=[each for each in report.shown if each.verdict in MOVES],
        others=[each for each in report.shown if each.verdict not in MOVES],
        sentences=sentences,
        bar=lambda advice: _bar(advice, longest),
    )


def _bar(advice: Advice, longest: float) -> tuple[float, float]:
    """Return how long the bar of the workers is, and the part in which they wait, in percent."""
    whole = 100 * advice.evidence.workers / longest
    return round(whole, 2), round(whole * (advice.waiting or 0.0), 2)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


@cache
def _environment() -> "Environment":
    return template_environment("django_tandem.advisor", autoescape=True)

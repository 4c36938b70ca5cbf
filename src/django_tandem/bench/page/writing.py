"""The sections of a report → the text of the page."""

from functools import cache
from typing import TYPE_CHECKING

from django_tandem.bench.measured import Report
from django_tandem.bench.page.facts import seconds_of, warnings
from django_tandem.bench.page.plotting import need_plotting
from django_tandem.bench.page.reasons import rounds_of
from django_tandem.bench.page.sections import sections
from django_tandem.bench.page.telling import printable, share, title_of
from django_tandem.bench.ratios import busiest
from django_tandem.bench.report import TOO_BUSY

if TYPE_CHECKING:
    from jinja2 import Environment


def page(report: Report) -> str:
    """Return ``report`` as one HTML file that loads nothing; MachineError without matplotlib."""
    need_plotting()
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            baseline=title_of(report, report.baseline),
            sections=sections(report),
            warnings=warnings(report),
            rounds=rounds_of(report),
            seconds=seconds_of(report),
            busiest=share(busiest(report)),
            busy=share(TOO_BUSY),
        )
    )


@cache
def _environment() -> "Environment":
    # As in render/: most commands fill no template.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    return Environment(
        loader=PackageLoader("django_tandem.bench.page"),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_writable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _writable(value: object) -> object:
    # A path of the command line may hold what no file in UTF-8 can.
    return printable(value) if type(value) is str else value

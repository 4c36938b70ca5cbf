"""What a target is, and how its templates are filled."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django_tandem.model import File, Plan
from django_tandem.render import quoting

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A kind of files a plan can be rendered to; ``summary`` is what ``--help`` says of it."""

    name: str
    summary: str
    render: Callable[[Plan], tuple[File, ...]]


def fill(template: str, **values: object) -> str:
    """Return ``template`` filled with ``values``; a name it lacks is an error, not a blank."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> "Environment":
    # Most commands fill no template, and it takes a good part of what a short one takes.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("django_tandem.render"),
        undefined=StrictUndefined,
        # These are configuration files: each value passes the filter of its own format instead.
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(quoting.FILTERS)
    return environment

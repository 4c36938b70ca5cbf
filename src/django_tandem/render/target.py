"""The type of a render target, and its templates."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from django_tandem.model import File, Plan
from django_tandem.render import quoting

if TYPE_CHECKING:
    from jinja2 import Environment


def no_notes(_plan: Plan) -> tuple[str, ...]:
    """Return none."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """
    A set of files that a plan is rendered to; ``summary`` is its line in ``--help``.

    ``notes`` are for who renders them, a sentence each.
    They lie next to the project's code where ``is_in_project`` is true, else in the run directory.
    One that ``has_every_role`` runs each in a container.
    """

    name: str
    summary: str
    render: Callable[[Plan], tuple[File, ...]]
    notes: Callable[[Plan], Iterable[str]] = no_notes
    is_in_project: bool = False
    has_every_role: bool = False


def fill(template: str, **values: object) -> str:
    """Render ``template`` with ``values``; a name that is missing is an error."""
    return environment().get_template(template).render(**values)


@cache
def environment() -> "Environment":
    """Return the environment of the templates of all targets."""
    # Each value passes the filter of its configuration format instead of being escaped.
    made = template_environment("django_tandem.render", autoescape=False)
    made.filters.update(quoting.FILTERS)
    return made


def template_environment(package: str, *, autoescape: bool) -> "Environment":
    """Return the environment of the templates of ``package``."""
    # Most commands render no template, and this import takes a tenth of a second.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    from django_tandem.render.template_cache import TemplateCache  # noqa: PLC0415

    options: dict[str, Any] = {
        "autoescape": autoescape,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "keep_trailing_newline": True,
    }
    return Environment(  # noqa: S701 - the values of a configuration are escaped by filters
        loader=PackageLoader(package),
        bytecode_cache=TemplateCache(package, options),
        undefined=StrictUndefined,
        **options,
    )

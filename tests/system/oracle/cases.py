"""A URLconf in one colouring: its routes, its verdicts, and what of it the edge can't know."""

import functools
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import urlconfs
from django.urls import get_resolver
from oracle.resolver import Resolution

from django_tandem.model import Route, Verdict
from django_tandem.project.urlconf import endpoints, http_routes
from django_tandem.routing.policy import decide_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The routes of ``urlconf``, and for each the number of its view: 0 for a branch."""

    urlconf: str | ModuleType
    routes: tuple[Route, ...]
    numbers: tuple[int, ...]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return decide_all(self.routes, ())

    def is_inexact(self, resolution: Resolution, path: str) -> bool:
        """Whether a route that may take too much is the one that answers, or in front of it."""
        return any(
            route.match.why_inexact and path.startswith(route.match.prefix)
            for route in self._up_to(resolution)
        )

    def is_below_branch(self, resolution: Resolution) -> bool:
        """Whether the view answers below a branch that the routes don't follow."""
        return 0 in self.numbers and resolution.pattern not in {
            route.pattern for route in self.routes
        }

    def _up_to(self, resolution: Resolution) -> tuple[Route, ...]:
        if self.is_below_branch(resolution):
            return self.routes
        return self.routes[: self.numbers.index(resolution.number) + 1]


def case_of(urlconf: str | ModuleType) -> Case:
    """Compile a URLconf by the settings of the moment."""
    resolver = get_resolver(urlconf)
    found = [getattr(each.callback, "number", 0) for each in endpoints(resolver)]
    return Case(urlconf=urlconf, routes=http_routes(resolver, ""), numbers=tuple(found))


@functools.cache
def names() -> tuple[str, ...]:
    """Return the names of all URLconfs."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(urlconfs.__path__)))


def module_of(name: str, bit: int = 0, *, is_inverted: bool = False) -> ModuleType:
    """Import the URLconf ``name`` in the colouring of ``bit``."""
    return urlconfs.load(f"{urlconfs.colouring(bit, is_inverted=is_inverted)}.{name}")


def colourings(name: str) -> Iterator[ModuleType]:
    """Import the URLconf ``name`` in as many colourings as tell its views apart."""
    first = module_of(name)
    views = urlconfs.number_of_views(first.__name__)
    for bit in range(max(1, views.bit_length())):
        yield module_of(name, bit)
        # WSGI may be asked instead of ASGI where the edge can't know, but not the other way
        # round: so there each view has to be on either side of each other one.
        if hasattr(first, "INEXACT"):
            yield module_of(name, bit, is_inverted=True)


def settings_of(module: ModuleType) -> dict[str, Any]:
    """Return the settings that a case asks for."""
    return getattr(module, "SETTINGS", {})

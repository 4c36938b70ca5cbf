"""The URLconfs of tests/urlconfs as route tables, and Django's own word on each path."""

import functools
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.urls import Resolver404, get_resolver
from django.utils import translation

import urlconfs
from django_tandem.model import Route
from django_tandem.routing.urlconf import http_routes, leaves

BEYOND = "beyond"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One URLconf: its routes, and for each the number of its view."""

    name: str
    module: ModuleType
    routes: tuple[Route, ...]
    numbers: tuple[str, ...]
    numbers_of_views: dict[Any, str]
    has_branches: bool

    @property
    def lines(self) -> Iterator[tuple[str, str]]:
        """The PCRE and the number of each route, in order."""
        for route, number in zip(self.routes, self.numbers, strict=True):
            yield route.match.pcre, number


@functools.cache
def tables() -> tuple[Table, ...]:
    """Compile every URLconf of tests/urlconfs."""
    names = sorted(module.name for module in pkgutil.iter_modules(urlconfs.__path__))
    return tuple(map(table_of, names))


def table_of(name: str) -> Table:
    """Compile the URLconf ``name`` of tests/urlconfs, by the settings of the moment."""
    module = importlib.import_module(f"urlconfs.{name}")
    resolver = get_resolver(module.__name__)
    numbers: dict[Any, str] = {}
    found = [
        numbers.setdefault(leaf.callback or object(), f"v{at}")
        for at, leaf in enumerate(leaves(resolver))
    ]
    return Table(
        name=name,
        module=module,
        routes=http_routes(resolver, ""),
        numbers=tuple(found),
        numbers_of_views=numbers,
        has_branches=any(leaf.callback is None for leaf in leaves(resolver)),
    )


def ask_django(table: Table, path: str) -> str | None:
    """Return the number of the view that Django picks for ``path``; None for a 404."""
    request = HttpRequest()
    request.path_info = path
    request.urlconf = table.module.__name__
    language = translation.get_language()
    try:
        LocaleMiddleware(lambda _: None).process_request(request)
        match = get_resolver(request.urlconf).resolve(path)
    except Resolver404:
        return None
    finally:
        translation.activate(language)
    # The same view may be found below a branch that the routes don't follow.
    shown = "/" + match.route.removeprefix("^")
    is_beyond = shown not in {route.pattern for route in table.routes}
    return BEYOND if table.has_branches and is_beyond else table.numbers_of_views[match.func]


def mutated(path: str) -> Iterator[str]:
    """Yield ``path`` and the neighbours at which a translation may go wrong."""
    yield path
    yield f"{path}/"
    yield path.rstrip("/") or "/"
    yield f"/{path}"
    yield path.replace("/", "//")
    yield f"{path}\n"
    yield path.upper()
    yield path.swapcase()
    yield f"/x{path}"
    yield f"{path}x"
    yield f"{path}é"
    yield f"{path}/x/"
    yield path[:-1] or "/"
    yield f"{path}{path}"
    yield path.replace("/", "/\n", 1)

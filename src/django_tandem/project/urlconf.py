"""The URLconf as an ordered tuple of routes: Django's own order of first match."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.urls.resolvers import LocalePrefixPattern, URLPattern, URLResolver

from django_tandem.model import Route, View
from django_tandem.project.regex.pattern import Stem, cut, extend, finish
from django_tandem.project.views import view_of

# No project nests this deep on purpose, and Python's own recursion must not end first.
_DEEPEST = 64
_SELF = "a URLconf that includes itself"
_DEEP = f"includes nested more than {_DEEPEST} deep"
_OWN_RESOLVE = "a URL pattern class with a resolve() of its own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The way from the root down to a resolver; ``lists`` are the pattern lists on it."""

    chain: tuple[Any, ...] = ()
    namespaces: tuple[str, ...] = ()
    lists: tuple[int, ...] = ()
    stem: Stem = Stem()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """
    One end of the URLconf's tree: a view, or a branch that is not followed further.

    ``trail`` includes the leaf's own pattern. ``callback`` is None for a branch.
    """

    trail: Trail
    name: str | None = None
    callback: Any = None
    origin: str = ""


def http_routes(resolver: URLResolver, project_directory: str) -> tuple[Route, ...]:
    """Return the routes below ``resolver``, in the order in which Django tries them."""
    return tuple(route_of(leaf, project_directory) for leaf in leaves(resolver))


def route_of(leaf: Leaf, project_directory: str) -> Route:
    """Return the route that ends in ``leaf``."""
    is_view = leaf.callback is not None
    trail = leaf.trail
    return Route(
        pattern=shown(trail.chain) + ("" if is_view else "…"),
        name=":".join([*trail.namespaces, leaf.name]) if leaf.name else None,
        view=view_of(leaf.callback, project_directory) if is_view else View(dotted=leaf.origin),
        match=finish(trail.stem),
    )


def leaves(resolver: URLResolver) -> Iterator[Leaf]:
    """Yield the ends of the tree below ``resolver``, in the order in which Django tries them."""
    return _below(resolver, _entered(Trail(), resolver))


def _below(resolver: URLResolver, trail: Trail) -> Iterator[Leaf]:
    why = _why_not_followed(resolver, trail)
    if why:
        yield Leaf(trail=replace(trail, stem=cut(trail.stem, why)), origin=_origin(resolver))
        return
    lists = (*trail.lists, id(resolver.url_patterns))
    here = replace(trail, lists=lists)
    for child in resolver.url_patterns:
        further = _entered(here, child)
        if isinstance(child, URLResolver):
            yield from _below(child, further)
        else:
            if type(child).resolve is not URLPattern.resolve:
                further = replace(further, stem=cut(here.stem, _OWN_RESOLVE))
            yield Leaf(trail=further, name=child.name, callback=child.callback)


def _entered(trail: Trail, child: URLResolver | URLPattern) -> Trail:
    namespace = getattr(child, "namespace", None)
    return replace(
        trail,
        chain=(*trail.chain, child.pattern),
        namespaces=(*trail.namespaces, namespace) if namespace else trail.namespaces,
        stem=extend(trail.stem, child.pattern),
    )


def _why_not_followed(resolver: URLResolver, trail: Trail) -> str:
    if type(resolver).resolve is not URLResolver.resolve:
        return _OWN_RESOLVE
    if len(trail.lists) >= _DEEPEST:
        return _DEEP
    return _SELF if id(resolver.url_patterns) in trail.lists else ""


def _origin(resolver: URLResolver) -> str:
    return str(getattr(resolver.urlconf_module, "__name__", "a list of patterns"))


def shown(chain: tuple[Any, ...]) -> str:
    """Return ``chain``, which begins with the root's pattern, as its authors wrote it."""
    return "/" + "".join(_shown(pattern) for pattern in chain[1:])


def _shown(pattern: Any) -> str:
    if isinstance(pattern, LocalePrefixPattern):
        return "<language>/" if pattern.prefix_default_language else "[<language>/]"
    return str(pattern).removeprefix("^")

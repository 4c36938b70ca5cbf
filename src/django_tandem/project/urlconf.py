"""
The URLconf as an ordered tuple of routes: Django's own order of first match.

What is known of a view is read by inprocess/views.py, as the served project decides by it, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.urls.resolvers import LocalePrefixPattern, URLPattern, URLResolver

from django_tandem.inprocess.views import view_of
from django_tandem.model import Route, View
from django_tandem.project.inheritance import inherits
from django_tandem.project.path_match import PatternChain, cut, extend, path_match_of

# No project nests this deep on purpose, and Python's own recursion must not end first.
_DEEPEST = 64
_SELF = "a URLconf that includes itself"
_DEEP = f"includes nested more than {_DEEPEST} deep"
_OWN_RESOLVE = "a URL pattern class with a custom resolve()"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverPath:
    """The way from the root down to a resolver; ``lists`` are the pattern lists on it."""

    patterns: tuple[Any, ...] = ()
    namespaces: tuple[str, ...] = ()
    lists: tuple[int, ...] = ()
    chain: PatternChain = PatternChain()


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlEndpoint:
    """
    A leaf of the URLconf's tree: a view, or a branch that is not followed further.

    ``path`` includes its own pattern. ``callback`` is None for a branch, which ``origin`` names.
    """

    path: ResolverPath
    name: str | None = None
    callback: Any = None
    origin: str = ""


def http_routes(resolver: URLResolver, project_directory: str) -> tuple[Route, ...]:
    """Return the routes below ``resolver``, in the order in which Django tries them."""
    return tuple(route_of(endpoint, project_directory) for endpoint in endpoints(resolver))


def route_of(endpoint: UrlEndpoint, project_directory: str) -> Route:
    """Return the route that ends in ``endpoint``."""
    is_view = endpoint.callback is not None
    path = endpoint.path
    view = (
        view_of(endpoint.callback, project_directory) if is_view else View(dotted=endpoint.origin)
    )
    return Route(
        pattern=shown(path.patterns) + ("" if is_view else "…"),
        name=":".join([*path.namespaces, endpoint.name]) if endpoint.name else None,
        view=view,
        match=path_match_of(path.chain),
        is_branch=not is_view,
    )


def endpoints(resolver: URLResolver) -> Iterator[UrlEndpoint]:
    """Yield the ends of the tree below ``resolver``, in the order in which Django tries them."""
    return _below(resolver, _entered(ResolverPath(), resolver))


def _below(resolver: URLResolver, path: ResolverPath) -> Iterator[UrlEndpoint]:
    why = _why_not_followed(resolver, path)
    if why:
        yield UrlEndpoint(path=replace(path, chain=cut(path.chain, why)), origin=_origin(resolver))
        return
    lists = (*path.lists, id(resolver.url_patterns))
    here = replace(path, lists=lists)
    for child in resolver.url_patterns:
        further = _entered(here, child)
        if isinstance(child, URLResolver):
            yield from _below(child, further)
        else:
            if not inherits(type(child), URLPattern, "resolve"):
                further = replace(further, chain=cut(here.chain, _OWN_RESOLVE))
            yield UrlEndpoint(path=further, name=child.name, callback=child.callback)


def _entered(path: ResolverPath, child: URLResolver | URLPattern) -> ResolverPath:
    namespace = getattr(child, "namespace", None)
    return replace(
        path,
        patterns=(*path.patterns, child.pattern),
        namespaces=(*path.namespaces, namespace) if namespace else path.namespaces,
        chain=extend(path.chain, child.pattern),
    )


def _why_not_followed(resolver: URLResolver, path: ResolverPath) -> str:
    if not inherits(type(resolver), URLResolver, "resolve"):
        return _OWN_RESOLVE
    if len(path.lists) >= _DEEPEST:
        return _DEEP
    return _SELF if id(resolver.url_patterns) in path.lists else ""


def _origin(resolver: URLResolver) -> str:
    return str(getattr(resolver.urlconf_module, "__name__", "a list of patterns"))


def shown(patterns: tuple[Any, ...]) -> str:
    """Return ``patterns``, the root's first, as their authors wrote them."""
    return "/" + "".join(_shown(pattern) for pattern in patterns[1:])


def _shown(pattern: Any) -> str:
    if isinstance(pattern, LocalePrefixPattern):
        return "<language>/" if pattern.prefix_default_language else "[<language>/]"
    return str(pattern).removeprefix("^")

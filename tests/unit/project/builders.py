"""Small values for these tests."""

from typing import Any

from django.urls.resolvers import RegexPattern, RoutePattern

from django_tandem.model import PathMatch, Pin, Protocol, Route, Stack, View
from django_tandem.project.path_match import PatternChain, extend, path_match_of

ROOT = RegexPattern(r"^/")


def route(pattern: str = "/a/", **changes: Any) -> Route:
    """Build the route of a synchronous view, exact and without a name."""
    facts = ("is_coroutine", "is_event_stream", "is_async_stream", "mark", "dotted", "wrapper")
    view = {name: changes.pop(name) for name in facts if name in changes}
    inexact = changes.pop("inexact", "")
    plain = pattern.partition("<")[0]
    match = PathMatch(pcre=f"^{plain}", prefix=plain, why_inexact=inexact)
    given = {"name": None, "protocol": Protocol.HTTP, **changes}
    return Route(pattern=pattern, match=match, view=View(**{"dotted": "views.a", **view}), **given)


def pin(target: str, stack: Stack) -> Pin:
    """Build a pin."""
    return Pin(target=target, stack=stack)


def match_of(*patterns: Any) -> PathMatch:
    """Compile a chain: a string is the last one's regex, anything else one of Django's patterns."""
    chain = extend(PatternChain(), ROOT)
    for pattern in patterns:
        chain = extend(chain, regex(pattern) if isinstance(pattern, str) else pattern)
    return path_match_of(chain)


def regex(text: str) -> RegexPattern:
    """Build what re_path() makes of ``text``."""
    return RegexPattern(text, is_endpoint=True)


def prefix(text: str) -> RegexPattern:
    """Build what re_path() makes of ``text`` in front of an include()."""
    return RegexPattern(text)


def leaf(text: str) -> RoutePattern:
    """Build what path() makes of ``text``."""
    return RoutePattern(text, is_endpoint=True)


def stem(text: str) -> RoutePattern:
    """Build what path() makes of ``text`` in front of an include()."""
    return RoutePattern(text)

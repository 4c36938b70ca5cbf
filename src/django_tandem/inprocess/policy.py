"""The stack that a resolved request belongs to, by the same policy as the plan."""

import functools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from django.urls import ResolverMatch

from django_tandem import environment
from django_tandem.inprocess.views import facts_of
from django_tandem.model import PathMatch, Pin, Route, Stack
from django_tandem.routing.policy import decide, deciding_pin

# Characters that only a route with variable parts contains.
_PATTERN = re.compile(r"[<>()\[\]{}*+?|^$.\\]")
# Views remembered at once: more than a URLconf has, unless one is made for each request.
REMEMBERED = 4096
# The resolver has matched the path already, whichever URLconf it used.
_RESOLVED = PathMatch(pcre="", prefix="")


@dataclass(frozen=True, slots=True)
class KnownView:
    """A ``route`` to ``view``, which is kept so that no other object gets its id."""

    view: Any
    route: Route


_known: dict[int, KnownView] = {}


def read_pins() -> tuple[Pin, ...]:
    """Read the pins that the environment passes to a served process."""
    pairs = parse_qsl(os.environ.get(environment.PINS, ""))
    return tuple(Pin(target=target, stack=Stack(stack)) for target, stack in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDecision:
    """The stack of a request; ``is_explicit`` is true when a pin or a mark names it."""

    stack: Stack
    view: str
    is_explicit: bool


def decide_request(
    match: ResolverMatch | None, view: Any, path_info: str, pins: Sequence[Pin]
) -> RequestDecision:
    """
    Decide the request for ``path_info`` that was resolved to ``view``.

    So it holds for a URLconf chosen per request, and for a pattern that the edge can't match.
    """
    route = _route_to(view)
    if pins and match is not None and match.url_name:
        # As in the plan: a route without a name is in no namespace either.
        route = replace(route, name=":".join([*match.namespaces, match.url_name]))
    is_pinned = deciding_pin(route, pins, path_info) is not None
    return RequestDecision(
        stack=decide(route, pins, path=path_info).stack,
        view=route.view.dotted,
        is_explicit=is_pinned or route.view.mark is not None,
    )


def route_text(match: ResolverMatch) -> str:
    """Return the route of ``match`` as `tandem plan` prints it, without the carets of regexes."""
    return _without_carets(match.route)


@functools.lru_cache(REMEMBERED)
def _without_carets(route: str) -> str:
    return "/" + re.sub(r"(^|/)\^", r"\1", route)


def narrowest_pin(match: ResolverMatch, view: str) -> str:
    """Return the target of the pin that takes the fewest routes other than the one of ``match``."""
    route = route_text(match)
    if not _PATTERN.search(route):
        return f"={route}"
    return ":".join([*match.namespaces, match.url_name]) if match.url_name else view


def _route_to(view: Any) -> Route:
    # Looking below a view's wrappers takes longer than many a request, and a view may be
    # of a class that can't be hashed.
    known = _known.get(id(view))
    if known is None:
        known = KnownView(view, Route(pattern="", name=None, view=facts_of(view), match=_RESOLVED))
        if len(_known) >= REMEMBERED:
            _known.clear()
        _known[id(view)] = known
    return known.route

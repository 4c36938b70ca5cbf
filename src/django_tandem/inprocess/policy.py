"""The stack that a resolved request belongs to, by the same policy as the plan."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest

from django_tandem import environment
from django_tandem.inprocess.views import dotted_path, marked_stack
from django_tandem.model import PathMatch, Pin, Route, Stack, View
from django_tandem.routing.policy import decide

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


def stack_of(request: HttpRequest, view: Any, pins: Sequence[Pin]) -> Stack:
    """
    Return the stack of the request that was resolved to ``view``.

    So it holds for a URLconf chosen per request, and for a pattern that the edge can't match.
    """
    route = _route_to(view)
    match = request.resolver_match
    if pins and match is not None and match.url_name:
        # As in the plan: a route without a name is in no namespace either.
        route = replace(route, name=":".join([*match.namespaces, match.url_name]))
    return decide(route, pins, path=request.path_info).stack


def _route_to(view: Any) -> Route:
    # Looking below a view's wrappers takes longer than many a request, and a view may be
    # of a class that can't be hashed.
    known = _known.get(id(view))
    if known is None:
        facts = View(
            dotted=dotted_path(view),
            is_coroutine=iscoroutinefunction(view),
            mark=marked_stack(view),
        )
        known = KnownView(view, Route(pattern="", name=None, view=facts, match=_RESOLVED))
        if len(_known) >= REMEMBERED:
            _known.clear()
        _known[id(view)] = known
    return known.route

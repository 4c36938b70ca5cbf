"""Which stack a resolved view belongs to: the plan's own rules, asked once the view is known."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest

from django_tandem import environment
from django_tandem.inprocess.views import dotted_path, marked_stack
from django_tandem.model import Pin, Stack

# Views remembered at once: more than a URLconf has, unless one is made for each request.
REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of ``view``, which is kept so that no other gets its id."""

    view: Any
    dotted: str
    own: Stack


_known: dict[int, Known] = {}


def read_pins() -> tuple[Pin, ...]:
    """Read the pins that the environment hands to a served process."""
    pairs = parse_qsl(os.environ.get(environment.PINS, ""))
    return tuple(Pin(target=target, stack=Stack(stack)) for target, stack in pairs)


def stack_of(request: HttpRequest, view: Any, pins: Iterable[Pin]) -> Stack:
    """
    Return where ``view`` belongs: by a pin, else by its mark, else by whether Django awaits it.

    These are the rules that the plan decides by; here the resolver has spoken already, so
    that they hold for a URLconf chosen per request and for a pattern the edge can't say.
    """
    known = _facts(view)
    pinned = next((pin.stack for pin in pins if _holds(pin, request, known)), None)
    return pinned or known.own


def _facts(view: Any) -> Known:
    # Looking below a view's wrappers takes longer than many a request, and a view may be
    # of a class that can't be hashed.
    known = _known.get(id(view))
    if known is None:
        by_kind = Stack.ASGI if iscoroutinefunction(view) else Stack.WSGI
        known = Known(view, dotted_path(view), marked_stack(view) or by_kind)
        if len(_known) >= REMEMBERED:
            _known.clear()
        _known[id(view)] = known
    return known


def _holds(pin: Pin, request: HttpRequest, known: Known) -> bool:
    if pin.holds_for(request.path_info):
        return True
    match = request.resolver_match
    if match is None:
        return False
    # As the plan has it: a route without a name is in no namespace either.
    name = ":".join([*match.namespaces, match.url_name]) if match.url_name else ""
    return pin.target in {name, known.dotted} or name.startswith(f"{pin.target}:")

"""Which stack a resolved view belongs to: the plan's own rules, asked once the view is known."""

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest

from django_tandem.marks import mark_of
from django_tandem.model import Pin, Stack

VARIABLE = "TANDEM_PINS"


def read_pins() -> tuple[Pin, ...]:
    """Read the pins that the environment hands to a served process."""
    pairs = parse_qsl(os.environ.get(VARIABLE, ""))
    return tuple(Pin(target=target, stack=Stack(stack)) for target, stack in pairs)


def stack_of(request: HttpRequest, view: Any, pins: Iterable[Pin]) -> Stack:
    """
    Return where ``view`` belongs: by a pin, else by its mark, else by whether Django awaits it.

    These are the rules that the plan decides by; here the resolver has spoken already, so
    that they hold for a URLconf chosen per request and for a pattern the edge can't say.
    """
    pinned = next((pin.stack for pin in pins if _holds(pin, request)), None)
    return pinned or mark_of(view) or (Stack.ASGI if iscoroutinefunction(view) else Stack.WSGI)


def _holds(pin: Pin, request: HttpRequest) -> bool:
    if pin.holds_for(request.path_info):
        return True
    match = request.resolver_match
    if match is None:
        return False
    name = match.view_name or ""
    return pin.target in {name, match._func_path} or name.startswith(f"{pin.target}:")

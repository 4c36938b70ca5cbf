"""Marks that a project's author puts on a view: ``@on_wsgi`` and ``@on_asgi``."""

from collections.abc import Iterator
from typing import TypeVar

from django_tandem.model import Stack

_V = TypeVar("_V")

_ATTRIBUTE = "tandem_stack"
# Where decorators, as_view() of Django and DRF, and partials keep what they wrap.
_INNER = ("view_class", "cls", "func", "__func__", "__wrapped__")


def on_wsgi(view: _V) -> _V:
    """Serve ``view``, a function or a class, by the WSGI stack."""
    setattr(view, _ATTRIBUTE, Stack.WSGI)
    return view


def on_asgi(view: _V) -> _V:
    """Serve ``view``, a function or a class, by the ASGI stack."""
    setattr(view, _ATTRIBUTE, Stack.ASGI)
    return view


def mark_of(view: object) -> Stack | None:
    """Return the stack that ``view``, or what it wraps, is marked with; the outermost mark wins."""
    for layer in _layers(view):
        mark = getattr(layer, _ATTRIBUTE, None)
        if isinstance(mark, Stack):
            return mark
    return None


def _layers(view: object) -> Iterator[object]:
    # Wrappers can point back at themselves, so no layer is visited twice.
    seen: set[int] = set()
    waiting = [view]
    while waiting:
        layer = waiting.pop(0)
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        yield layer
        if not isinstance(layer, type):
            waiting += [getattr(layer, name) for name in _INNER if hasattr(layer, name)]

"""Synchronous wrappers that hide an async view from Django, which then never awaits it."""

import functools
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from asgiref.sync import AsyncToSync, iscoroutinefunction


def wrapper_over_coroutine(callback: Any) -> Any | None:
    """
    Return the synchronous function or class right above the coroutine below ``callback``.

    Only what says that it wraps is looked through: functools.wraps(), partials and
    async_to_sync(), which has no line of its own, so that the coroutine stands for it.
    Returns None when nothing is hidden, or when it can't be known.
    """
    if iscoroutinefunction(callback):
        return None
    found = (_right_above(entrance) for entrance in (callback, *_methods(callback)))
    return next((wrapper for wrapper in found if wrapper is not None), None)


def _right_above(entrance: Any) -> Any | None:
    outer: Any = None
    for layer in _layers(entrance):
        if iscoroutinefunction(layer):
            return layer if isinstance(outer, AsyncToSync) else _lying(outer)
        outer = layer
    return None


def _lying(wrapper: Any) -> Any:
    # An object that wraps has taken the view's name over; its class has kept its own.
    return wrapper if wrapper is None or hasattr(wrapper, "__code__") else type(wrapper)


def _layers(layer: Any) -> Iterator[Any]:
    seen: set[int] = set()
    while layer is not None and id(layer) not in seen:
        seen.add(id(layer))
        yield layer
        layer = _inner(layer)


def _inner(layer: Any) -> Any:
    if isinstance(layer, functools.partial):
        return layer.func
    if isinstance(layer, AsyncToSync):
        return layer.awaitable
    return layer.__func__ if inspect.ismethod(layer) else getattr(layer, "__wrapped__", None)


def _methods(callback: Any) -> Iterator[Any]:
    # What a class-based view calls, for each HTTP method; a viewset has names of its own.
    cls = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
    actions = getattr(callback, "actions", None)
    own = actions.values() if isinstance(actions, Mapping) else ()
    names = (*getattr(cls, "http_method_names", ()), *own)
    return (getattr(cls, name) for name in names if hasattr(cls, name))

"""What a person wrote as a view, below what wraps it: the plan and both stacks go by one answer."""

import functools
import inspect
from collections.abc import Iterator
from typing import Any

from asgiref.sync import AsyncToSync

from django_tandem.marks import mark_of
from django_tandem.model import Stack


def author_wrote(callback: Any) -> Any:
    """Return the class or function that a person would look for, below what wraps it."""
    target = callback
    for target in _unwrapped(callback):
        if isinstance(target, type):
            return target
    return target if hasattr(target, "__code__") else type(target)


def dotted_path(callback: Any) -> str:
    """Return the dotted path by which a pin speaks of the view ``callback``."""
    target = author_wrote(callback)
    name = str(target.__qualname__)
    # DRF's @api_view makes a class, and gives it the function's __name__ alone.
    if name.rpartition(".")[2] != target.__name__:
        name = str(target.__name__)
    return f"{target.__module__}.{name}"


def marked_stack(callback: Any) -> Stack | None:
    """Return what the view ``callback`` is marked with, or what its author wrote is."""
    return mark_of(callback) or mark_of(author_wrote(callback))


def _unwrapped(layer: Any) -> Iterator[Any]:
    seen: set[int] = set()
    while layer is not None and id(layer) not in seen:
        seen.add(id(layer))
        yield layer
        layer = None if isinstance(layer, type) else _inner(layer)


def _inner(layer: Any) -> Any:
    if isinstance(layer, functools.partial):
        return layer.func
    if isinstance(layer, AsyncToSync):
        return layer.awaitable
    for name in ("view_class", "cls", "__wrapped__"):
        inner = getattr(layer, name, None)
        if inner is not None:
            return inner
    # Django Ninja's view calls the operations of a path, one for each HTTP method.
    operations = getattr(_owner(layer), "operations", None)
    if isinstance(operations, list) and operations and hasattr(operations[0], "view_func"):
        return operations[0].view_func
    return getattr(layer, "__func__", None)


def _owner(layer: Any) -> Any:
    if inspect.ismethod(layer):
        return layer.__self__
    return (
        inspect.getclosurevars(layer).nonlocals.get("self") if inspect.isfunction(layer) else None
    )

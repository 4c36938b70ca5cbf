"""What a person wrote as a view, below what wraps it: the plan and both stacks go by one answer."""

import functools
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from asgiref.sync import AsyncToSync
from django.http.response import HttpResponseBase

from django_tandem.marks import mark_of
from django_tandem.model import Stack

# Content types of responses that last for as long as their client listens.
EVENT_STREAM_TYPES = ("text/event-stream", "multipart/x-mixed-replace")
# How many calls away from the view's own code the type may be named.
_CALLS = 2
_NO_VIEWS = ("django.", "rest_framework.", "asgiref.")


def author_wrote(callback: Any) -> Any:
    """Return the class or function that a person would look for, below what wraps it."""
    target = callback
    for target in _unwrapped(callback):
        if isinstance(target, type):
            return target
    return target if hasattr(target, "__code__") else type(target)


def dotted_path(callback: Any) -> str:
    """Return the dotted path that a pin uses for the view ``callback``."""
    target = author_wrote(callback)
    name = str(target.__qualname__)
    # DRF's @api_view makes a class, and gives it the function's __name__ alone.
    if name.rpartition(".")[2] != target.__name__:
        name = str(target.__name__)
    return f"{target.__module__}.{name}"


def marked_stack(callback: Any) -> Stack | None:
    """Return what the view ``callback`` is marked with, or what its author wrote is."""
    return mark_of(callback) or mark_of(author_wrote(callback))


def is_event_stream(callback: Any) -> bool:
    """
    Return whether the code of the view ``callback`` names the type of an endless stream.

    The functions of its own package that it calls, and responses, are searched too.
    """
    texts = (each for _, named in _code_of(callback) for each in named if isinstance(each, str))
    return any(text.lower().startswith(EVENT_STREAM_TYPES) for text in texts)


def is_async_stream(callback: Any) -> bool:
    """Return whether the view ``callback`` calls an async generator and returns it as the body."""
    return any(code.co_flags & inspect.CO_ASYNC_GENERATOR for code, _ in _code_of(callback))


def _code_of(callback: Any) -> Iterator[tuple[CodeType, list[Any]]]:
    # Each piece of code, with its constants and the globals that it names.
    view = author_wrote(callback)
    waiting, seen = [(view, 0)], set[int]()
    while waiting:
        target, calls = waiting.pop()
        if id(target) in seen:
            continue
        seen.add(id(target))
        for function in _functions(target):
            for code in _codes(function.__code__):
                named = [function.__globals__.get(name) for name in code.co_names]
                yield code, [*code.co_consts, *named]
                if calls < _CALLS:
                    waiting += [(each, calls + 1) for each in named if _may_stream(each, view)]


def _functions(target: Any) -> Iterator[FunctionType]:
    layers = [*target.__mro__] if isinstance(target, type) else [target]
    for layer in layers:
        if isinstance(layer, FunctionType):
            yield layer
        elif isinstance(layer, type) and not layer.__module__.startswith(_NO_VIEWS):
            members = (inspect.unwrap(each) for each in vars(layer).values() if callable(each))
            yield from (each for each in members if isinstance(each, FunctionType))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _codes(value)


def _may_stream(value: Any, view: Any) -> bool:
    if isinstance(value, type):
        return issubclass(value, HttpResponseBase) and not value.__module__.startswith(_NO_VIEWS)
    package = view.__module__.partition(".")[0]
    return isinstance(value, FunctionType) and value.__module__.partition(".")[0] == package


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

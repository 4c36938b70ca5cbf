"""Facts about a view, read from its callback without calling it, and wrappers that hide async."""

import functools
import inspect
import linecache
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from asgiref.sync import AsyncToSync, iscoroutinefunction

from django_tandem.inprocess.views import (
    author_wrote,
    dotted_path,
    is_async_stream,
    is_event_stream,
    marked_stack,
)
from django_tandem.model import View


def view_of(callback: Any, project_directory: str) -> View:
    """
    Return what is known of ``callback``, a view as Django's URLconf holds it.

    Its source is relative to ``project_directory`` when it lies inside.
    """
    target = author_wrote(callback)
    wrapper = wrapper_over_coroutine(callback)
    return View(
        dotted=dotted_path(target),
        # As Django's own handler tests before it awaits a view.
        is_coroutine=iscoroutinefunction(callback),
        is_event_stream=is_event_stream(callback),
        is_async_stream=is_async_stream(callback),
        source=_source(target, project_directory),
        mark=marked_stack(callback),
        wrapper=None if wrapper is None else _source(wrapper, project_directory),
    )


def consumer_view(application: Any, project_directory: str) -> View:
    """Return what is known of ``application``, an ASGI application such as a consumer's."""
    target = author_wrote(getattr(application, "consumer_class", application))
    return View(
        dotted=dotted_path(target),
        is_coroutine=True,
        source=_source(target, project_directory),
        mark=marked_stack(target),
    )


def wrapper_over_coroutine(callback: Any) -> Any | None:
    """
    Return the synchronous function or class that hides a coroutine in ``callback`` from Django.

    Only functools.wraps(), partials and async_to_sync() are followed; for the last, which has
    no line of its own, the coroutine is returned. None when nothing is hidden, or unknown.
    """
    if iscoroutinefunction(callback):
        return None
    found = (_hiding_wrapper(entry) for entry in (callback, *_methods(callback)))
    return next((wrapper for wrapper in found if wrapper is not None), None)


def _source(target: Any, project_directory: str) -> str | None:
    code = getattr(target, "__code__", None)
    if code is not None:
        return f"{_relative(code.co_filename, project_directory)}:{code.co_firstlineno}"
    file = getattr(sys.modules.get(target.__module__), "__file__", None)
    if not file:
        return None
    line = _line_of(file, target.__name__)
    return _relative(file, project_directory) + (f":{line}" if line else "")


def _line_of(file: str, name: str) -> int | None:
    # Before Python 3.13 a class has no line number, and inspect parses the whole file for it;
    # since then a class made by a decorator has one of the decorator's file.
    return _definitions(file).get(name)


@functools.lru_cache(maxsize=1024)
def _definitions(file: str) -> dict[str, int]:
    defined = re.compile(r"\s*(?:class|def|async\s+def)\s+(\w+)")
    found: dict[str, int] = {}
    for number, line in enumerate(linecache.getlines(file), start=1):
        match = defined.match(line)
        if match:
            found.setdefault(match[1], number)
    return found


@functools.lru_cache(maxsize=1024)
def _relative(file: str, project_directory: str) -> str:
    path = PurePath(file)
    if project_directory and path.is_relative_to(project_directory):
        return str(path.relative_to(project_directory))
    return file


def _hiding_wrapper(entry: Any) -> Any | None:
    outer: Any = None
    for layer in _layers(entry):
        if iscoroutinefunction(layer):
            return layer if isinstance(outer, AsyncToSync) else _definition(outer)
        outer = layer
    return None


def _definition(wrapper: Any) -> Any:
    # A wrapping object has copied the view's name; its class has kept its own.
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
    # What a class-based view calls for each HTTP method; a viewset names others.
    cls = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
    actions = getattr(callback, "actions", None)
    own = actions.values() if isinstance(actions, Mapping) else ()
    names = (*getattr(cls, "http_method_names", ()), *own)
    return (getattr(cls, name) for name in names if hasattr(cls, name))

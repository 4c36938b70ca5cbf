"""Facts about a view, read from its callback without calling it."""

import functools
import inspect
import linecache
import re
import sys
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from asgiref.sync import AsyncToSync, iscoroutinefunction

from django_tandem.marks import mark_of
from django_tandem.model import View
from django_tandem.routing.wrappers import wrapper_over_coroutine


def view_of(callback: Any, project_directory: str) -> View:
    """
    Return what is known of ``callback``, a view as Django's URLconf holds it.

    Its source is relative to ``project_directory`` when it lies inside.
    """
    target = _author_wrote(callback)
    wrapper = wrapper_over_coroutine(callback)
    return View(
        dotted=_dotted(target),
        # What Django's own handler asks before it awaits a view.
        is_coroutine=iscoroutinefunction(callback),
        source=_source(target, project_directory),
        mark=mark_of(callback) or mark_of(target),
        wrapper=None if wrapper is None else _source(wrapper, project_directory),
    )


def consumer_of(application: Any, project_directory: str) -> View:
    """Return what is known of ``application``, an ASGI application such as a consumer's."""
    target = _author_wrote(getattr(application, "consumer_class", application))
    return View(
        dotted=_dotted(target),
        is_coroutine=True,
        source=_source(target, project_directory),
        mark=mark_of(target),
    )


def _author_wrote(callback: Any) -> Any:
    # The class or function that a person would look for, below what wraps it.
    target = callback
    for target in _unwrapped(callback):
        if isinstance(target, type):
            return target
    return target if hasattr(target, "__code__") else type(target)


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


def _dotted(target: Any) -> str:
    name = str(target.__qualname__)
    # DRF's @api_view makes a class, and gives it the function's __name__ alone.
    if name.rpartition(".")[2] != target.__name__:
        name = str(target.__name__)
    return f"{target.__module__}.{name}"


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
    # Before Python 3.13 a class doesn't know its line, and inspect parses the whole file for it;
    # from then on, one that a decorator made knows a line of the decorator's file.
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

"""Facts about a view, read without calling it: the plan and both stacks decide by the same ones."""

import functools
import inspect
import linecache
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath
from types import CodeType, FunctionType
from typing import Any

from asgiref.sync import AsyncToSync, iscoroutinefunction
from django.http.response import HttpResponseBase

from django_tandem.marks import mark_of
from django_tandem.model import View

# Content types of responses that last for as long as their client listens.
EVENT_STREAM_TYPES = ("text/event-stream", "multipart/x-mixed-replace")
# How many calls away from the view's own code the type may be named.
_CALLS = 2
_NO_VIEWS = ("django.", "rest_framework.", "asgiref.")


def facts_of(callback: Any) -> View:
    """
    Return what decides the stack of ``callback``, a view as Django's URLconf holds it.

    An event stream is known by a text in the view's code, in functions of its package that it
    calls, or in responses. It is an async stream when that code has an async generator.
    """
    target = _author_wrote(callback)
    pieces = list(_code_of(target))
    texts = (each for _, named in pieces for each in named if isinstance(each, str))
    return View(
        dotted=_dotted_path(target),
        # As Django's own handler tests before it awaits a view.
        is_coroutine=iscoroutinefunction(callback),
        is_event_stream=any(text.lower().startswith(EVENT_STREAM_TYPES) for text in texts),
        is_async_stream=any(code.co_flags & inspect.CO_ASYNC_GENERATOR for code, _ in pieces),
        mark=mark_of(callback) or mark_of(target),
    )


def view_of(callback: Any, project_directory: str) -> View:
    """
    Return the facts of ``callback`` and where it is defined.

    Its source is relative to ``project_directory`` when it lies inside.
    """
    wrapper = _wrapper_over_coroutine(callback)
    return replace(
        facts_of(callback),
        source=_source(_author_wrote(callback), project_directory),
        wrapper=None if wrapper is None else _source(wrapper, project_directory),
    )


def consumer_view(application: Any, project_directory: str) -> View:
    """Return what is known of ``application``, an ASGI application such as a consumer's."""
    target = _author_wrote(getattr(application, "consumer_class", application))
    return View(
        dotted=_dotted_path(target),
        is_coroutine=True,
        source=_source(target, project_directory),
        mark=mark_of(target),
    )


def _author_wrote(callback: Any) -> Any:
    """Return the class or function that a person would look for, below what wraps it."""
    target = callback
    for target in _layers(callback, _inner):
        if isinstance(target, type):
            return target
    return target if hasattr(target, "__code__") else type(target)


def _dotted_path(target: Any) -> str:
    """Return the dotted path that a pin uses for a view of the author's."""
    name = str(target.__qualname__)
    # DRF's @api_view makes a class, and gives it the function's __name__ alone.
    if name.rpartition(".")[2] != target.__name__:
        name = str(target.__name__)
    return f"{target.__module__}.{name}"


def _code_of(view: Any) -> Iterator[tuple[CodeType, list[Any]]]:
    # Each piece of code, with its constants, the globals that it names, and its class's strings.
    waiting, seen = [(view, 0)], set[int]()
    while waiting:
        target, calls = waiting.pop()
        if id(target) in seen:
            continue
        seen.add(id(target))
        for function in _functions(target):
            for code in nested_code(function.__code__):
                named = [function.__globals__.get(name) for name in code.co_names]
                yield code, [*code.co_consts, *named, *_attributes(target)]
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


def _attributes(target: Any) -> Iterator[str]:
    for cls in target.__mro__ if isinstance(target, type) else ():
        if not cls.__module__.startswith(_NO_VIEWS):
            yield from (value for value in vars(cls).values() if isinstance(value, str))


def nested_code(code: CodeType) -> Iterator[CodeType]:
    """Yield ``code`` and the code of the functions and classes in it."""
    yield code
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from nested_code(value)


def _may_stream(value: Any, view: Any) -> bool:
    if isinstance(value, type):
        return issubclass(value, HttpResponseBase) and not value.__module__.startswith(_NO_VIEWS)
    package = view.__module__.partition(".")[0]
    return isinstance(value, FunctionType) and value.__module__.partition(".")[0] == package


def _wrapper_over_coroutine(callback: Any) -> Any | None:
    """
    Return the synchronous function or class that hides a coroutine in ``callback`` from Django.

    Only functools.wraps(), partials and async_to_sync() are followed; for the last, which has
    no source line, the coroutine is returned. None when nothing is hidden, or unknown.
    """
    if iscoroutinefunction(callback):
        return None
    found = (_hiding_wrapper(entry) for entry in (callback, *_method_handlers(callback)))
    return next((wrapper for wrapper in found if wrapper is not None), None)


def _hiding_wrapper(entry: Any) -> Any | None:
    outer: Any = None
    for layer in _layers(entry, _wrapped):
        if iscoroutinefunction(layer):
            return layer if isinstance(outer, AsyncToSync) else _definition(outer)
        outer = layer
    return None


def _definition(wrapper: Any) -> Any:
    # A wrapping object has copied the view's name; its class has kept its own.
    return wrapper if wrapper is None or hasattr(wrapper, "__code__") else type(wrapper)


def _method_handlers(callback: Any) -> Iterator[Any]:
    # What a class-based view calls for each HTTP method; a viewset names others.
    cls = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
    actions = getattr(callback, "actions", None)
    own = actions.values() if isinstance(actions, Mapping) else ()
    names = (*getattr(cls, "http_method_names", ()), *own)
    return (getattr(cls, name) for name in names if hasattr(cls, name))


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


def _layers(layer: Any, step: Callable[[Any], Any]) -> Iterator[Any]:
    """Yield ``layer`` and, by ``step``, what it wraps; wrappers can point back at themselves."""
    seen: set[int] = set()
    while layer is not None and id(layer) not in seen:
        seen.add(id(layer))
        yield layer
        layer = step(layer)


def _wrapped(layer: Any) -> Any:
    if isinstance(layer, functools.partial):
        return layer.func
    if isinstance(layer, AsyncToSync):
        return layer.awaitable
    return layer.__func__ if inspect.ismethod(layer) else getattr(layer, "__wrapped__", None)


def _inner(layer: Any) -> Any:
    if isinstance(layer, type):
        return None
    if isinstance(layer, functools.partial | AsyncToSync):
        return _wrapped(layer)
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

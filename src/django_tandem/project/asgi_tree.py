"""What an ASGI application is made of: the objects that it holds, found without calling it."""

import functools
import inspect
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from django.contrib.staticfiles.handlers import StaticFilesHandlerMixin
from django.core.handlers.asgi import ASGIHandler

from django_tandem.handler.application import DjangoApplication
from django_tandem.inprocess.asgi.stock import replaceable

# A middleware stack is a dozen objects; a router that is behind more than this is not found.
_MOST_OBJECTS = 2000
_LEAVES = (str, bytes, int, float, type(None), type, ModuleType, ASGIHandler)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object inside an application, and the objects that stand in front of it."""

    target: Any
    front: tuple[Any, ...] = ()


def walk(application: Any, *, stops: Callable[[Any], bool]) -> Iterator[Found]:
    """
    Yield ``application`` and what it is made of, nearest first, but not what ``stops`` holds.

    Instance attributes, closures, partials and the globals that a function names are followed.
    """
    seen: set[int] = set()
    waiting = deque([Found(target=application)])
    while waiting and len(seen) < _MOST_OBJECTS:
        found = waiting.popleft()
        if id(found.target) in seen:
            continue
        seen.add(id(found.target))
        yield found
        if not isinstance(found.target, _LEAVES) and not stops(found.target):
            front = (*found.front, found.target)
            waiting.extend(Found(target=inner, front=front) for inner in _held(found.target))


def first(application: Any, is_wanted: Callable[[Any], bool]) -> Found | None:
    """Return the nearest object inside ``application`` that ``is_wanted``."""
    found = walk(application, stops=is_wanted)
    return next((one for one in found if is_wanted(one.target)), None)


def holds_stock_handler(application: Any) -> bool:
    """Return whether Django's own handler answers where `tandem up` can't put ours."""
    own = replaceable(application)
    return first(application, lambda one: _is_stock(one) and one is not own) is not None


def mentions(target: Any, word: str) -> bool:
    """Return whether ``target`` is an ASGI application whose own code holds ``word``."""
    code = _code(target)
    return code is not None and word in _constants(code.co_consts)


def _is_stock(target: Any) -> bool:
    # The handler of static files stands in front of another, which is not looked into.
    ours = (DjangoApplication, StaticFilesHandlerMixin)
    return isinstance(target, ASGIHandler) and not isinstance(target, ours)


def _code(target: Any) -> CodeType | None:
    # The code that runs when an ASGI application is called: with scope, receive and send.
    is_function = isinstance(target, FunctionType)
    function = inspect.unwrap(target if is_function else type(target).__call__)
    code = getattr(function, "__code__", None)
    takes = 3 if is_function else 4
    return code if isinstance(code, CodeType) and code.co_argcount == takes else None


def _constants(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, tuple | frozenset):
            yield from _constants(value)
        else:
            yield value


def _held(target: Any) -> list[Any]:
    if isinstance(target, functools.partial):
        return [target.func, *target.args, *target.keywords.values()]
    if isinstance(target, MethodType):
        return [target.__self__, target.__func__]
    if isinstance(target, FunctionType):
        return [*_enclosed(target), *_named(target), *vars(target).values()]
    if isinstance(target, dict):
        return list(target.values())
    if isinstance(target, list | tuple | set | frozenset):
        return list(target)
    return list(getattr(target, "__dict__", {}).values())


def _enclosed(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not assigned yet
            continue


def _named(function: FunctionType) -> list[Any]:
    # As in `async def application(scope, …): await websocket_application(scope, …)`.
    names = function.__code__.co_names if _code(function) else ()
    return [function.__globals__[name] for name in names if name in function.__globals__]

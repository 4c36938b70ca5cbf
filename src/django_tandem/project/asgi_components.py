"""The objects that an ASGI application is made of, found without calling it."""

import functools
import inspect
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

# A middleware stack is a dozen objects; a router behind more than this is not found.
_MOST_OBJECTS = 2000
_LEAVES = (str, bytes, int, float, type(None), type, ModuleType, ASGIHandler, WSGIHandler)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """An object inside an application, and the objects around it, outermost first."""

    target: Any
    outer: tuple[Any, ...] = ()


def components(application: Any, *, stops: Callable[[Any], bool]) -> Iterator[Component]:
    """
    Yield ``application`` and what it is made of, nearest first, but not what ``stops`` holds.

    Instance attributes, closures, partials and the globals that a function names are followed.
    """
    seen: set[int] = set()
    waiting = deque([Component(target=application)])
    while waiting and len(seen) < _MOST_OBJECTS:
        found = waiting.popleft()
        if id(found.target) in seen:
            continue
        seen.add(id(found.target))
        yield found
        if not isinstance(found.target, _LEAVES) and not stops(found.target):
            outer = (*found.outer, found.target)
            waiting.extend(Component(target=inner, outer=outer) for inner in held_by(found.target))


def find_component(application: Any, is_wanted: Callable[[Any], bool]) -> Component | None:
    """Return the nearest object inside ``application`` that ``is_wanted``."""
    found = components(application, stops=is_wanted)
    return next((one for one in found if is_wanted(one.target)), None)


def is_instance(module: str, name: str, target: Any) -> bool:
    """Return whether ``target`` is of the class ``name`` of ``module``, which is not imported."""
    # An object exists only once the module of its class is imported.
    cls = getattr(sys.modules.get(module), name, None)
    return isinstance(cls, type) and isinstance(target, cls)


def is_django(target: Any) -> bool:
    """Return whether ``target`` is a handler of Django's; that of WSGI may be in an adapter."""
    return isinstance(target, ASGIHandler | WSGIHandler)


def is_protocol_router(target: Any) -> bool:
    """Return whether ``target`` is Channels' router by protocol."""
    return is_instance("channels.routing", "ProtocolTypeRouter", target)


def asgi_code(target: Any) -> CodeType | None:
    """Return the code of an ASGI application, which takes scope, receive and send; else None."""
    is_function = isinstance(target, FunctionType)
    function = inspect.unwrap(target if is_function else type(target).__call__)
    code = getattr(function, "__code__", None)
    takes = 3 if is_function else 4
    return code if isinstance(code, CodeType) and code.co_argcount == takes else None


def constants(code: CodeType) -> Iterator[Any]:
    """Yield the constants of ``code``, of the functions in it, and in their tuples and sets."""
    waiting = list(code.co_consts)
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, tuple | frozenset):
            waiting += value
        elif isinstance(value, CodeType):
            waiting += value.co_consts
        else:
            yield value


def held_by(target: Any) -> list[Any]:
    """Return the objects that ``target`` holds: attributes, closures, items, named globals."""
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
    # Only of applications: other objects with slots lead far away from them.
    in_slots = _in_slots(target) if callable(target) else ()
    return [*getattr(target, "__dict__", {}).values(), *in_slots]


def _in_slots(target: Any) -> Iterator[Any]:
    for cls in type(target).__mro__:
        # A class of C has such members too, and no list of slots.
        members = vars(cls).items() if "__slots__" in vars(cls) else ()
        for name, member in members:
            if isinstance(member, MemberDescriptorType):
                yield getattr(target, name, None)


def _enclosed(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not assigned yet
            continue


def _named(function: FunctionType) -> list[Any]:
    # As in `async def application(scope, …): await websocket_application(scope, …)`.
    names = function.__code__.co_names if asgi_code(function) else ()
    return [function.__globals__[name] for name in names if name in function.__globals__]

"""What an ASGI application is made of: the objects that it holds, found without calling it."""

import functools
import inspect
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from django.core.handlers.asgi import ASGIHandler

# A middleware stack is a dozen objects; whatever is behind more than this is no router.
_MOST_OBJECTS = 2000
_PLAIN = (str, bytes, int, float, type(None), ModuleType, type, ASGIHandler)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object inside an application, and the objects that stand in front of it."""

    target: Any
    front: tuple[Any, ...]


def search(application: Any, is_wanted: Callable[[Any], bool]) -> Iterator[Found]:
    """
    Yield what ``is_wanted`` inside ``application``, nearest first, and look into none of it.

    Instance attributes, closures, partials and the globals that a function names are followed.
    """
    seen: set[int] = set()
    waiting = deque([Found(target=application, front=())])
    while waiting and len(seen) < _MOST_OBJECTS:
        found = waiting.popleft()
        if id(found.target) in seen:
            continue
        seen.add(id(found.target))
        if is_wanted(found.target):
            yield found
            continue
        front = (*found.front, found.target)
        waiting.extend(Found(target=inner, front=front) for inner in _held(found.target))

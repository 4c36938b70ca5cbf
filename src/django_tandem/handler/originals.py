"""
Whether a function of Django's is as Django wrote it.

What instruments Django wraps its functions, replaces them, or rewrites their bytecode in place.
The compiled module that Python itself would load shows what they were.
"""

import functools
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType, ModuleType
from typing import Any


def is_original(owner: type | ModuleType, name: str) -> bool:
    """Return whether ``name`` of the class or module is Django's own function, unchanged."""
    function = vars(owner).get(name)
    if not isinstance(function, FunctionType):
        return False
    known = _known.get(function)
    if known is None or known[0] is not function.__code__:
        known = _known[function] = function.__code__, is_unchanged(function, _module_of(owner))
    return known[1]


# By function: its code when it was looked at, and whether it was unchanged.
_known: dict[FunctionType, tuple[CodeType, bool]] = {}


def is_unchanged(function: Any, module: str) -> bool:
    """Return whether it is a plain function of the module, with the code that it was written."""
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        return False
    if function.__module__ != module:
        return False
    return function.__code__ in _codes_of(module).get(function.__code__.co_qualname, ())


def _module_of(owner: type | ModuleType) -> str:
    return owner.__name__ if isinstance(owner, ModuleType) else owner.__module__


@functools.cache
def _codes_of(module: str) -> dict[str, list[CodeType]]:
    file = getattr(sys.modules.get(module), "__file__", None)
    # Not by the loader of the module: an agent may have put its own before it.
    code = _load_code(module, file) if file else None
    found: dict[str, list[CodeType]] = {}
    for each in _nested(code):
        found.setdefault(each.co_qualname, []).append(each)
    return found


def _load_code(module: str, file: str) -> CodeType | None:
    # Django may be installed without its sources, or in an archive: then nothing is known.
    try:
        return SourceFileLoader(module, file).get_code(module)
    except (OSError, SyntaxError, ValueError, ImportError):
        return None


def _nested(code: CodeType | None) -> Iterator[CodeType]:
    for constant in code.co_consts if code is not None else ():
        if isinstance(constant, CodeType):
            yield constant
            yield from _nested(constant)

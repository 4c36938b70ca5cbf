"""
Tiny URLconfs, one a case and named for it; PATHS are the paths that are interesting there.

SETTINGS are Django's, where a case needs its own; INEXACT is why the edge can't know some routes.

Only the stack of an answer can be seen, so each URLconf is imported in several colourings, as
many as it takes to tell any two of its views apart: ``urlconfs_2.NAME`` is the same file as
``urlconfs.NAME``, and its views are async where bit 2 of their number is set; in
``urlconfs_not_2.NAME`` they are where it is not.
"""

import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import register_converter
from django.urls.converters import get_converters
from django.utils.functional import lazy
from django.utils.translation import get_language

View = Callable[..., Any]
_COLOURED = re.compile(r"urlconfs_(not_)?(\d+)")
_numbers: Counter[str] = Counter()


def colouring(bit: int, *, is_inverted: bool = False) -> str:
    """Return the name of the package in which the views are async whose number has this bit."""
    return _package(f"urlconfs_{'not_' if is_inverted else ''}{bit}")


def load(module: str) -> ModuleType:
    """Import a URLconf by its dotted name, in whichever colouring."""
    _package(module.partition(".")[0])
    return importlib.import_module(module)


def _package(name: str) -> str:
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = __path__
        sys.modules[name] = package
    return name


def view() -> View:
    """Make the next view of the module that calls; the first has number 1."""
    module = sys._getframe(1).f_globals["__name__"]
    _numbers[module] += 1
    colour = _COLOURED.match(module)
    inverted, bit = colour.groups() if colour else (None, "0")
    has_bit = _numbers[module] >> int(bit) & 1
    return numbered(_numbers[module], is_async=bool(has_bit) is not bool(inverted))


def numbered(number: int, *, is_async: bool) -> View:
    """Make a view that answers with its number, and with the stack that called it."""

    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"{number} {type(request).__name__.removesuffix('Request').lower()}")

    def sync_view(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        return answer(request)

    async def async_view(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        return answer(request)

    made = async_view if is_async else sync_view
    made.number = number
    return made


def number_of_views(module: str) -> int:
    """Return how many views a module made while it was imported."""
    return _numbers[module]


def register(converter: type, name: str) -> None:
    """Register a converter once, however often its module is imported."""
    if name not in get_converters():
        register_converter(converter, name)


def translated(**texts: str) -> str:
    """Make what gettext_lazy() would: the text of the active language, English for others."""
    return lazy(lambda: texts.get(get_language() or "en", texts["en"]), str)()

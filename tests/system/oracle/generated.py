"""URLconfs that are made of plain values, so that one process can tell another what they are."""

import itertools
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path
from urlconfs import numbered

MAKERS = {"path": path, "re_path": re_path}
# ["path" or "re_path", its text, what it leads to]: whether a view is async, or a list of these.
Spec = list[Any]


def urlconf_of(specs: list[Spec]) -> ModuleType:
    """Make the module that would hold these; views are numbered from 1 on, in order."""
    module = ModuleType("generated")
    module.urlpatterns = list(_patterns(specs, itertools.count(1)))
    return module


def _patterns(specs: list[Spec], numbers: Iterator[int]) -> Iterator[URLPattern | URLResolver]:
    for maker, text, leads_to in specs:
        if isinstance(leads_to, list):
            target = include(list(_patterns(leads_to, numbers)))
        else:
            target = numbered(next(numbers), is_async=leads_to)
        yield MAKERS[maker](text, target)

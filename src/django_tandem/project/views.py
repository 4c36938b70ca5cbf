"""Facts about a view, read from its callback without calling it."""

import functools
import linecache
import re
import sys
from pathlib import PurePath
from typing import Any

from asgiref.sync import iscoroutinefunction

from django_tandem.inprocess.views import author_wrote, dotted_path, marked_stack
from django_tandem.model import View
from django_tandem.project.wrappers import wrapper_over_coroutine


def view_of(callback: Any, project_directory: str) -> View:
    """
    Return what is known of ``callback``, a view as Django's URLconf holds it.

    Its source is relative to ``project_directory`` when it lies inside.
    """
    target = author_wrote(callback)
    wrapper = wrapper_over_coroutine(callback)
    return View(
        dotted=dotted_path(target),
        # What Django's own handler asks before it awaits a view.
        is_coroutine=iscoroutinefunction(callback),
        source=_source(target, project_directory),
        mark=marked_stack(callback),
        wrapper=None if wrapper is None else _source(wrapper, project_directory),
    )


def consumer_of(application: Any, project_directory: str) -> View:
    """Return what is known of ``application``, an ASGI application such as a consumer's."""
    target = author_wrote(getattr(application, "consumer_class", application))
    return View(
        dotted=dotted_path(target),
        is_coroutine=True,
        source=_source(target, project_directory),
        mark=marked_stack(target),
    )


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

"""Import code of the project, which may raise anything: errors become one sentence."""

import contextlib
import importlib
import os
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from traceback import FrameSummary
from typing import TypeVar

import django
from django.conf import settings
from django.utils.module_loading import import_string

from django_tandem.errors import ProjectError

T = TypeVar("T")

# The settings that name code of the project, in the order in which it is imported.
_SETTINGS = ("INSTALLED_APPS", "ROOT_URLCONF", "WSGI_APPLICATION", "ASGI_APPLICATION", "MIDDLEWARE")
_QUOTED = re.compile(r"""['"]([\w.]+)['"]""")
# Code that imports what others name: the mistake is never there.
_IMPORTERS = (Path(importlib.__file__).parent, Path(django.__file__).parent)
_OURS = Path(__file__).parents[1]


@contextlib.contextmanager
def printing_to_stderr() -> Iterator[None]:
    """Have what the project prints, and what its loggers get as stdout, go to stderr."""
    # The result of a command is on stdout, such as the JSON that another program reads.
    with contextlib.redirect_stdout(sys.stderr):
        yield


def trying(
    what: str,
    step: Callable[[], T],
    *,
    verb: str = "imported",
    whole_by: str = "python manage.py check",
) -> T:
    """
    Run ``step``; raise ProjectError, one sentence and its place, for any exception.

    ``verb`` names what failed, ``whole_by`` is the command that shows the whole traceback.
    """
    try:
        return step()
    except (KeyboardInterrupt, ProjectError):
        raise
    except BaseException as error:  # a settings module may well call sys.exit()
        place = _place(error, what)
        raise ProjectError(
            f"{what} can't be {verb}: {type(error).__name__}: {error}",
            hint=f"{place and f'{place} '}`{whole_by}` shows the whole traceback.",
        ) from error


def asgi_application_path() -> str | None:
    """Return the dotted path of the project's ASGI application; None when it has none."""
    named = getattr(settings, "ASGI_APPLICATION", None)
    if named:
        return str(named)
    neighbours = [
        getattr(settings, "WSGI_APPLICATION", None),
        getattr(settings, "ROOT_URLCONF", None),
    ]
    for dotted in neighbours:
        package = _package(dotted)
        if package is not None and module_exists(f"{package}.asgi"):
            return f"{package}.asgi.application"
    return None


def import_application(
    dotted: str, manage_py: Path | None = Path("manage.py"), *, kind: str = "ASGI"
) -> object:
    """Import the application at ``dotted``; raise ProjectError for any exception."""
    module = dotted.rpartition(".")[0] or dotted
    python = f"python {shlex.quote(os.path.relpath(manage_py))} shell" if manage_py else "python"
    found: object = trying(
        f'The {kind} application "{dotted}"',
        lambda: import_string(dotted),
        # `check` never imports it, or turns its error into a message.
        whole_by=f"{python} -c 'import {module}'",
    )
    return found


def module_exists(module: str) -> bool:
    """
    Return whether ``module`` can be found; only the packages around it are imported.

    Raises ProjectError where one of these can't be.
    """

    def find() -> bool:
        try:
            return find_spec(module) is not None
        except (ModuleNotFoundError, ValueError):
            return False

    return trying(f'The package of "{module}"', find)


def _package(dotted: str | None) -> str | None:
    if not isinstance(dotted, str):
        return None
    # "config.wsgi.application" and "config.urls" both lie in the package "config".
    parts = dotted.split(".")
    depth = -2 if parts[-1] == "application" else -1
    return ".".join(parts[:depth]) or None


def _place(error: BaseException, what: str) -> str:
    if isinstance(error, SyntaxError):
        return f"Raised at {error.filename}, line {error.lineno}."
    frames = list(_frames(error))
    if isinstance(error, ImportError):
        named_by = [frame for frame in frames if not _is_in(frame, _IMPORTERS)]
        return _raised_at(named_by) or setting_that_names(f"{what}: {error}") or _raised_at(frames)
    return _raised_at(frames)


def _frames(error: BaseException) -> Iterator[FrameSummary]:
    """Yield the traceback's frames, without those of this package that lead to the project."""
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith("<frozen ") and not _is_in(frame, (_OURS,)):
            yield frame


def _raised_at(frames: Sequence[FrameSummary]) -> str:
    # importlib as the last frame explains nothing.
    if not frames or _is_in(frames[-1], _IMPORTERS[:1]):
        return ""
    return f"Raised at {frames[-1].filename}, line {frames[-1].lineno}."


def _is_in(frame: FrameSummary, directories: Sequence[Path]) -> bool:
    return any(Path(frame.filename).is_relative_to(each) for each in directories)


def setting_that_names(message: str) -> str:
    """
    Return which setting names what the error ``message`` quotes; "" when none does.

    Errors of Django and Python quote a missing module, or a module and the class that is not in it.
    """
    # Settings that can't be imported have no values to search.
    entries = list(_entries()) if settings.configured else []
    words = set(_QUOTED.findall(message))
    setting, entry = max(entries, key=lambda each: _rank(each[1], words), default=("", ""))
    return f'Named in {setting}, as "{entry}".' if _rank(entry, words) else ""


def _entries() -> Iterator[tuple[str, str]]:
    for name in _SETTINGS:
        value = getattr(settings, name, None) or ()
        for entry in (value,) if isinstance(value, str) else value:
            yield name, str(entry)


def _rank(entry: str, words: Collection[str]) -> int:
    if entry in words:
        return 3
    *above, last = entry.split(".")
    parents = {".".join(above[:number]) for number in range(1, len(above) + 1)}
    if parents.isdisjoint(words):
        return 0
    return 2 if last in words else 1

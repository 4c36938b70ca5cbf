"""Running code of the project's, which may raise anything."""

import importlib
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from traceback import FrameSummary
from typing import TypeVar

import django

from django_tandem.errors import ProjectError
from django_tandem.project.named import setting_that_names

T = TypeVar("T")

# Who imports what others name: there, nothing is to be put right.
_IMPORTERS = (Path(importlib.__file__).parent, Path(django.__file__).parent)
_OURS = Path(__file__).parents[1]


def trying(what: str, step: Callable[[], T], *, whole_by: str = "python manage.py check") -> T:
    """
    Run ``step``; raise ProjectError, one sentence and its place, for whatever it raises.

    ``whole_by`` is the command that shows the whole traceback.
    """
    try:
        return step()
    except (KeyboardInterrupt, ProjectError):
        raise
    except BaseException as error:  # a settings module may well call sys.exit()
        place = _place(error, what)
        raise ProjectError(
            f"{what} can't be imported: {type(error).__name__}: {error}",
            hint=f"{place and f'{place} '}`{whole_by}` shows the whole traceback.",
        ) from error


def _place(error: BaseException, what: str) -> str:
    if isinstance(error, SyntaxError):
        return f"Raised at {error.filename}, line {error.lineno}."
    frames = list(_frames(error))
    if isinstance(error, ImportError):
        named_by = [frame for frame in frames if not _lies_in(frame, _IMPORTERS)]
        return _raised_at(named_by) or setting_that_names(f"{what}: {error}") or _raised_at(frames)
    return _raised_at(frames)


def _frames(error: BaseException) -> Iterator[FrameSummary]:
    """Yield what the project's code went through, without what called it here."""
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith("<frozen ") and not _lies_in(frame, (_OURS,)):
            yield frame


def _raised_at(frames: Sequence[FrameSummary]) -> str:
    # By the one that imports for others, nothing is said.
    if not frames or _lies_in(frames[-1], _IMPORTERS[:1]):
        return ""
    return f"Raised at {frames[-1].filename}, line {frames[-1].lineno}."


def _lies_in(frame: FrameSummary, directories: Sequence[Path]) -> bool:
    return any(Path(frame.filename).is_relative_to(each) for each in directories)

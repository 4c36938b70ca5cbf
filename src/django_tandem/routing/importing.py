"""Running code of the project's, which may raise anything."""

import traceback
from collections.abc import Callable
from typing import TypeVar

from django_tandem.errors import ProjectError

T = TypeVar("T")


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
        raise ProjectError(
            f"{what} can't be imported: {type(error).__name__}: {error}",
            hint=f"Raised at {_place(error)}. `{whole_by}` shows the whole traceback.",
        ) from error


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}"
    # Where Python imports, there is nothing to be put right.
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen ")
    ]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else "unknown"

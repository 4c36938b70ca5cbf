"""Tiny URLconfs, one a case and named for it; PATHS are the paths that are interesting there."""

from collections.abc import Callable

from django.utils.functional import lazy
from django.utils.translation import get_language


def view() -> Callable[..., None]:
    """Make a view that is told from every other one."""

    def made(request, **parameters) -> None: ...

    return made


def translated(**texts: str) -> str:
    """Make what gettext_lazy() would: the text of the active language, English for others."""
    return lazy(lambda: texts.get(get_language() or "en", texts["en"]), str)()

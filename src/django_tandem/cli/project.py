"""Finding the Django project: manage.py, the environment, or --settings."""

import os
from dataclasses import dataclass
from pathlib import Path

from django_tandem.errors import ProjectError
from django_tandem.project.entry_points import VARIABLE, settings_named_in

__all__ = ["VARIABLE", "Found", "find"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where the project is: the directory of manage.py, and its settings module."""

    directory: Path
    settings_module: str


def find(settings_option: str | None, start: Path | None = None) -> Found:
    """
    Find the project from ``start``, the working directory by default, or a directory above it.

    The settings module is the option's, else the environment's, else manage.py's default.
    """
    start = start or Path.cwd()
    manage = _manage_py(start)
    module = settings_option or os.environ.get(VARIABLE) or (manage and settings_named_in(manage))
    if not module:
        raise _not_found(start, manage)
    return Found(directory=manage.parent if manage else start, settings_module=module)


def _manage_py(start: Path) -> Path | None:
    candidates = (directory / "manage.py" for directory in (start, *start.parents))
    return next((path for path in candidates if path.is_file()), None)


def _not_found(start: Path, manage: Path | None) -> ProjectError:
    if manage is None:
        return ProjectError(
            f"There is no Django project in {start}, nor above it: no manage.py was found.",
            hint=f"Change to the directory of manage.py, or give --settings or {VARIABLE}.",
        )
    return ProjectError(
        f"{manage} does not say which settings module to use.",
        hint=f"Give it with --settings, or in the environment as {VARIABLE}.",
    )

"""Where a Django project lies: by --settings, the environment or manage.py."""

import ast
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings as django_settings

from django_tandem.errors import ProjectError
from django_tandem.project.importing import trying
from django_tandem.settings import Settings, read_settings

VARIABLE = "DJANGO_SETTINGS_MODULE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a project lies: the directory of manage.py, and its settings module."""

    directory: Path
    settings_module: str


def find(settings_option: str | None, start: Path | None = None) -> Location:
    """
    Find the project from ``start``, the working directory by default, or a directory above it.

    The settings module is the option's, else the environment's, else manage.py's default.
    """
    start = start or Path.cwd()
    manage = _manage_py(start)
    module = settings_option or os.environ.get(VARIABLE) or (manage and settings_named_in(manage))
    if not module:
        raise _not_found(start, manage)
    return Location(directory=manage.parent if manage else start, settings_module=module)


def load_settings(location: Location) -> Settings:
    """Import the project's settings, and nothing else of the project; return its TANDEM."""
    os.environ[VARIABLE] = location.settings_module
    if str(location.directory) not in sys.path:
        sys.path.insert(0, str(location.directory))
    given = trying(
        f'The settings module "{location.settings_module}"',
        lambda: getattr(django_settings, "TANDEM", None),
    )
    return read_settings(given)


def settings_named_in(file: Path) -> str | None:
    """Return the settings module that ``file`` writes into the environment; None for none."""
    try:
        tree = ast.parse(file.read_text())
    except (OSError, SyntaxError, ValueError):
        return None
    named = (_named(node) for node in ast.walk(tree))
    return next((module for module in named if module is not None), None)


def _named(node: ast.AST) -> str | None:
    match node:
        # os.environ.setdefault(VARIABLE, …), and os.environ[VARIABLE] = …
        case ast.Call(args=[ast.Constant(value=name), ast.Constant(value=str(module))]):
            pass
        case ast.Assign(
            targets=[ast.Subscript(slice=ast.Constant(value=name))],
            value=ast.Constant(value=str(module)),
        ):
            pass
        case _:
            return None
    return module if name == VARIABLE else None


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

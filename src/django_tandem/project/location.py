"""Where a Django project lies, and its settings: by manage.py, --settings or the environment."""

import ast
import functools
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings as django_settings

from django_tandem import environment, syntax
from django_tandem.errors import ProjectError, did_you_mean
from django_tandem.inprocess.manage_py import run_manage_py
from django_tandem.project.importing import printing_to_stderr, trying
from django_tandem.settings import Settings, read_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """
    Where a project lies, and its settings module.

    ``directory`` is that of ``manage_py``, which sets the variables ``manage_py_sets``.
    ``python_path`` is the PYTHONPATH with which a server finds the same modules; empty when
    manage.py adds nothing to sys.path. ``env_files`` are the files whose variables this process
    has.
    """

    directory: Path
    settings_module: str
    manage_py: Path | None = None
    manage_py_sets: tuple[str, ...] = ()
    python_path: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()

    @property
    def traceback_command(self) -> str:
        """The command that shows the whole traceback of a project that can't be imported."""
        if self.manage_py is None:
            return f"python -c 'import {self.settings_module}'"
        file = os.path.relpath(self.manage_py)
        command = f"python {shlex.quote(file)} check"
        is_default = settings_named_in(self.manage_py) in (self.settings_module, None)
        return command if is_default else f"{command} --settings={self.settings_module}"


def find(settings_option: str | None, start: Path | None = None) -> Location:
    """
    Find the project from ``start``, the working directory by default, or a directory above it.

    Sets this process up as its manage.py does. The settings module is the option's, else the
    environment's, else the one that manage.py sets.
    Raises ProjectError when there is none, or when manage.py fails.
    """
    start = start or Path.cwd()
    manage = find_manage_py(start)
    if settings_option:
        os.environ[environment.SETTINGS_MODULE] = settings_option
    added, variables = _set_up(manage) if manage else ((), ())
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    module = (
        settings_option
        or os.environ.get(environment.SETTINGS_MODULE)
        or (manage and settings_named_in(manage))
    )
    if not module:
        raise _not_found(start, manage)
    return Location(
        directory=manage.parent if manage else start,
        settings_module=module,
        manage_py=manage,
        manage_py_sets=variables,
        python_path=(*added, *filter(None, inherited)) if added else (),
    )


def find_manage_py(start: Path) -> Path | None:
    """Return the manage.py that the environment names, else the nearest one from ``start`` up."""
    if named := os.environ.get(environment.MANAGE_PY):
        return Path(named)
    candidates = (directory / "manage.py" for directory in (start, *start.parents))
    return next((path for path in candidates if path.is_file()), None)


@printing_to_stderr()
def load_settings(location: Location) -> Settings:
    """Import the project's settings, and nothing else of the project; return its TANDEM."""
    os.environ[environment.SETTINGS_MODULE] = location.settings_module
    if str(location.directory) not in sys.path:
        sys.path.insert(0, str(location.directory))
    try:
        given = trying(
            f'The settings module "{location.settings_module}"',
            lambda: getattr(django_settings, "TANDEM", None),
            whole_by=location.traceback_command,
        )
    except ProjectError as error:
        if hint := _similar(location, error.__cause__):
            raise ProjectError(error.message, hint=hint) from error.__cause__
        raise
    return read_settings(given)


def _similar(location: Location, cause: BaseException | None) -> str:
    """Return a hint that names a settings module like one that does not exist; empty for none."""
    module = location.settings_module
    # A module that exists and imports one that does not is another mistake.
    if not isinstance(cause, ModuleNotFoundError) or not f"{module}.".startswith(f"{cause.name}."):
        return ""
    files = (
        file.relative_to(location.directory).with_suffix("")
        for pattern in ("*.py", "*/*.py", "*/*/*.py", "*/*/*/*.py")
        for file in location.directory.glob(pattern)
    )
    known = {
        ".".join(file.parts) for file in files if any("settings" in each for each in file.parts)
    }
    return did_you_mean(module, known, otherwise="")


@functools.cache
def _set_up(manage_py: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Run manage.py; return what it adds to sys.path, and the variables that it sets."""

    def run() -> tuple[str, ...]:
        try:
            return run_manage_py(manage_py, sys.argv[1:])
        except SystemExit as error:
            # Not Django's command line, or not for these arguments: the settings may do alone.
            if isinstance(error.code, str):
                sys.stderr.write(f"{error.code}\n")
            return ()

    command = f"python {shlex.quote(os.path.relpath(manage_py))} check"
    before = set(os.environ)
    added = trying(str(manage_py), run, verb="run", whole_by=command)
    return added, tuple(sorted(set(os.environ) - before - {environment.SETTINGS_MODULE}))


def settings_named_in(file: Path) -> str | None:
    """Return the settings module that ``file`` writes into the environment; None for none."""
    try:
        tree = syntax.parse(file.read_text())
    except (OSError, SyntaxError, ValueError):
        return None
    named = (_settings_module_set_by(node) for node in ast.walk(tree))
    return next((module for module in named if module is not None), None)


def _settings_module_set_by(node: ast.AST) -> str | None:
    match node:
        # os.environ.setdefault(NAME, …), and os.environ[NAME] = …
        case ast.Call(args=[ast.Constant(value=name), ast.Constant(value=str(module))]):
            pass
        case ast.Assign(
            targets=[ast.Subscript(slice=ast.Constant(value=name))],
            value=ast.Constant(value=str(module)),
        ):
            pass
        case _:
            return None
    return module if name == environment.SETTINGS_MODULE else None


def _not_found(start: Path, manage: Path | None) -> ProjectError:
    if manage is None:
        # As in a repository with a front end next to it.
        below = sorted(path.parent.name for path in start.glob("*/manage.py"))
        target = f"{' or '.join(below)}, which has one" if below else "the directory of manage.py"
        return ProjectError(
            f"There is no Django project in {start}, nor above it: no manage.py was found.",
            hint=f"Change to {target}, or give --settings or {environment.SETTINGS_MODULE}.",
        )
    return ProjectError(
        f"{manage} names no settings module.",
        hint=f"Give it with --settings, or in the environment as {environment.SETTINGS_MODULE}.",
    )

"""Where a command's project lies, and its run directory, by the settings alone."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from django_tandem import environment
from django_tandem.errors import MachineError, ProjectError, SettingError
from django_tandem.model import programs
from django_tandem.model.state import STATE_FILE
from django_tandem.project.env_files import absolute, is_mentioned, named_in_settings
from django_tandem.project.location import (
    Location,
    find,
    find_manage_py,
    load_settings,
)
from django_tandem.project.redis import REDIS_VARIABLE, Offer, offer
from django_tandem.project.releases import find_link
from django_tandem.runtime import lock, ownership, run_dir
from django_tandem.runtime.host import find_valkey
from django_tandem.runtime.state import read_state
from django_tandem.runtime.trusted_env_files import read_trusted
from django_tandem.settings import Settings
from django_tandem.settings.env_file import OPTIONAL

FLAG = "--env-file"


def locate(settings_option: str | None, env_file: str | None = None) -> Location:
    """
    Find the project, and set the variables of its ENV_FILE: they may decide what is found.

    ``env_file`` are paths as `env_file_of` joins them, which replace TANDEM["ENV_FILE"].
    Raises ProjectError without a project, SettingError or MachineError for a file.
    """
    files = tuple(filter(None, (env_file or "").split(os.pathsep)))
    _set_variables(files)
    location = find(settings_option)
    if not files:
        files = named_in_settings(location)
        _set_variables(files)
    return replace(location, env_files=files)


def env_file_of(options: argparse.Namespace) -> str | None:
    """Return the absolute paths of --env-file, else of TANDEM_ENV_FILE, joined by colons."""
    named = os.environ.get(environment.ENV_FILE, "").split(os.pathsep)
    paths = tuple(filter(None, options.env_file or named))
    return os.pathsep.join(absolute(paths, Path.cwd())) or None


@contextmanager
def hinting_at_env_file(location: Location) -> Iterator[None]:
    """Add to the error of an import how to name an ENV_FILE that was not found before it."""
    try:
        yield
    except ProjectError as error:
        if location.env_files or not is_mentioned(location):
            raise
        hint = (
            f"{error.hint}\nIf the variables of ENV_FILE are missing, name the file with `{FLAG}`."
        )
        raise ProjectError(error.message, hint=hint.lstrip()) from error.__cause__


def _set_variables(files: tuple[str, ...]) -> None:
    for path in files:
        if os.pathsep in path:
            raise SettingError(
                f"The path of the environment file {path.removeprefix(OPTIONAL)} has a colon, "
                "which separates paths.",
                hint="Give it another name.",
            )
    os.environ.update(read_trusted(files))


DEFAULT_RUN_DIR: str = Settings.__dataclass_fields__["run_dir"].metadata["default"]


def given_run_dir(options: argparse.Namespace) -> str | None:
    """Return the absolute path of --run-dir, None without the option."""
    given = getattr(options, "run_dir", None)
    return str(Path(given).absolute()) if given is not None else None


def find_run_dir(options: argparse.Namespace) -> Path:
    """Return where the project's stack runs, without setting the project up."""
    given = given_run_dir(options)
    if given is not None:
        return _given(given)
    directory = _locate(options)
    run_dir.refuse_foreign(directory)
    return directory


def find_foreign_run_dir(options: argparse.Namespace) -> Path | None:
    """
    Return the run directory of another user, if the project's stack runs in that user's.

    The settings are imported only where RUN_DIR may name another directory than the default.
    """
    given = given_run_dir(options)
    if given is not None:
        directories = [run_dir.locate("/", given)]
    else:
        project = project_directory()
        link = find_link(project)
        shared = [link.parent / f"{DEFAULT_RUN_DIR}-{link.name}"] if link else []
        directories = [_default_dir(), *shared]
    found = next(filter(_is_foreign, directories), None)
    if found is not None or given is not None or any(each.exists() for each in directories):
        return found
    directory = _locate(options)
    return directory if _is_foreign(directory) else None


def _is_foreign(directory: Path) -> bool:
    owner = ownership.owner_of(directory)
    return owner is not None and owner != os.geteuid()


def _locate(options: argparse.Namespace) -> Path:
    location = locate(options.settings, env_file_of(options) or _env_file_of_running())
    with redis_offered(location), hinting_at_env_file(location):
        settings = load_settings(location)
    return run_dir.locate(str(location.directory), settings.run_dir)


def _given(path: str) -> Path:
    # A stack in a directory whose path is too long for sockets runs in a short one.
    directory = run_dir.locate("/", path)
    run_dir.refuse_foreign(directory)
    return directory


def _env_file_of_running() -> str | None:
    """Return the ENV_FILE that `tandem up` was given, where its stack runs in the default place."""
    default = _default_dir()
    if lock.holder(default) is None:
        return None
    run_dir.refuse_foreign(default)
    try:
        state = read_state(default)
    except MachineError:
        return None
    return state.overrides.env_file if state else None


def add_run_dir_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the option of commands that need the run directory alone."""
    parser.add_argument(
        "--run-dir", metavar="DIR", help="the run directory; the settings are not imported"
    )


def add_other_run_dir_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the option of commands that import the project, and act on its stack."""
    parser.add_argument(
        "--run-dir", metavar="DIR", help="the run directory, where `tandem up` was given another"
    )


def find_running_dir(options: argparse.Namespace) -> Path:
    """
    Return the run directory for a command that reads or stops what runs.

    The settings are imported only when no stack runs in the default directory: they may need
    an environment that this shell does not have, and their import takes time.
    """
    given = given_run_dir(options)
    if given is not None:
        return _given(given)
    default = _default_dir()
    if _is_running(default, options.settings or os.environ.get(environment.SETTINGS_MODULE)):
        return default
    try:
        return find_run_dir(options)
    except ProjectError as error:
        if (default / STATE_FILE).exists():
            return default
        raise ProjectError(
            error.message, hint=f"{error.hint}\nOr name the run directory with `--run-dir`."
        ) from error


def project_directory() -> Path:
    """Return the directory of the nearest manage.py; without one, the working directory."""
    manage_py = find_manage_py(Path.cwd())
    return manage_py.parent if manage_py else Path.cwd()


def _default_dir() -> Path:
    return run_dir.locate(str(project_directory()), DEFAULT_RUN_DIR)


def _is_running(directory: Path, settings_module: str | None) -> bool:
    run_dir.refuse_foreign(directory)
    if lock.holder(directory) is None:
        return False
    try:
        state = read_state(directory)
    except MachineError:
        # A damaged state: `tandem down` needs the lock alone, and the others report it.
        return True
    if settings_module is None or state is None:
        return state is not None
    # Two settings modules of one project may each have a run directory.
    modules = {
        dict(process.environment).get(environment.SETTINGS_MODULE) for process in state.processes
    }
    return settings_module in modules


@contextmanager
def redis_offered(location: Location) -> Iterator[Offer]:
    """
    Set REDIS_URL for the length of the block, in which the settings are imported, if they take it.

    The plan gives it to the processes; where TANDEM["RUN_DIR"] is another directory, with
    another path.
    """
    offered = _offer(location)
    if offered.url:
        os.environ[REDIS_VARIABLE] = offered.url
    try:
        yield offered
    finally:
        if offered.url:
            os.environ.pop(REDIS_VARIABLE, None)


@cache
def _offer(location: Location) -> Offer:
    # Cached: the settings are imported once, and a command may look at them twice.
    if REDIS_VARIABLE in os.environ or find_valkey() is None:
        return Offer()
    directory = run_dir.locate(str(location.directory), DEFAULT_RUN_DIR)
    return offer(location, f"unix://{directory / programs.VALKEY_SOCKET}")

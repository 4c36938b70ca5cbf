"""Where a command's project lies, with the variables of its ENV_FILE set in this process."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django_tandem import environment
from django_tandem.errors import ProjectError, SettingError
from django_tandem.project.env_files import absolute, is_mentioned, named_in_settings
from django_tandem.project.location import Location, find
from django_tandem.runtime.trusted_env_files import read_trusted
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
        hint = f"{error.hint}\nIf it lacks the variables of ENV_FILE, name the file with `{FLAG}`."
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

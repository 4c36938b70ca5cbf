"""The variables of ENV_FILE, read by a process that may be root's."""

import os
from collections.abc import Iterable
from pathlib import Path

from django_tandem.errors import MachineError
from django_tandem.runtime.writable import find_writable
from django_tandem.settings.env_file import OPTIONAL, read_env_files


def read_trusted(paths: Iterable[str]) -> dict[str, str]:
    """
    Return the variables of the files, as `read_env_files` does.

    Raises MachineError where root would read a file that another user may write, replace or
    create, and SettingError for one that can't be read or parsed.
    """
    found: dict[str, str] = {}
    for path in paths:
        # Right before the read, as a check of some seconds ago proves nothing.
        if os.geteuid() == 0:
            _refuse_others(Path(path.removeprefix(OPTIONAL)))
        found |= read_env_files([path])
    return found


def _refuse_others(path: Path) -> None:
    found = find_writable([path])
    if found is not None:
        raise MachineError(
            f"root does not read the environment file {path}: {found.path} is writable for "
            f"{found.by}.",
            hint="Make it writable for root alone, as a variable such as PYTHONPATH decides "
            "which code is run; or run the stack as another user with `tandem up --user NAME`.",
        )

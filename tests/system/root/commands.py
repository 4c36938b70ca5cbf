"""Commands of root and of other users, as a system with such users has them."""

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django_tandem.runtime.accounts import Account
from harness import forking
from harness.projects import ONE_WORKER, startproject
from harness.stack import DEADLINE_S, clean_environment

Done = subprocess.CompletedProcess[str]


def run(
    python: str,
    directory: Path,
    *args: str,
    by: Account | None = None,
    prefix: tuple[str, ...] = (),
    may_fork: bool = False,
) -> Done:
    """
    Run a command as root, or as ``by``.

    One of root's ``may_fork``, where so many have the same interpreter that it saves more than
    the imports of the process that forks.
    """
    if may_fork and by is None and not prefix:
        return forking.run(
            ["-m", "django_tandem", *args],
            directory,
            environment(),
            timeout_s=DEADLINE_S,
            python=python,
        )
    ids: dict[str, Any] = {}
    if by is not None:
        ids = {"user": by.uid, "group": by.gid, "extra_groups": by.groups}
    return subprocess.run(
        [*prefix, python, "-m", "django_tandem", *args],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        **ids,
    )


def environment() -> dict[str, str]:
    """Return this process's environment, in which compiled modules are written."""
    return clean_environment() | {"PYTHONDONTWRITEBYTECODE": ""}


def open_project(directory: Path, make: Callable[..., Path] = startproject) -> Path:
    """Make a project that every user may read; the copy has the mode of a private one."""
    project = make(directory, **ONE_WORKER)
    project.chmod(0o755)
    return project


def make_venv(python: str, directory: Path) -> str:
    """Make a virtual environment with the packages of this one; return its interpreter."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(directory)], check=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = directory / "lib" / version / "site-packages"
    # Read by site, unlike PYTHONPATH, with the .pth files in there.
    packages = sysconfig.get_path("purelib")
    (own / "tests.pth").write_text(f"import site; site.addsitedir({packages!r})\n")
    # What redis-py and valkey-py require of Python before 3.11.3, which Debian 12 has.
    (own / "async_timeout.py").write_text("from asyncio import timeout\n")
    return str(directory / "bin" / "python")

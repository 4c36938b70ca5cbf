"""A user of this machine, an interpreter that it may run, and a directory that it may enter."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from root.commands import make_venv

from django_tandem.runtime import accounts
from django_tandem.runtime.accounts import Account

# A number that no package of a distribution takes.
NUMBER = 54_321


@pytest.fixture(scope="session")
def app() -> Iterator[Account]:
    """A new user with a name, a home directory and a second group."""
    name = f"tandem{os.getpid()}"
    subprocess.run(["useradd", "--no-create-home", "--groups", "mail", name], check=True)
    yield accounts.find(name, "`--user`")
    subprocess.run(["userdel", name], check=True)


@pytest.fixture(scope="session")
def nameless() -> Account:
    """A number without an entry in /etc/passwd, as containers have it."""
    return accounts.find(str(NUMBER), "`--user`")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user may enter, and root alone may write to."""
    with _place() as directory:
        yield directory


@pytest.fixture(scope="module")
def module_place() -> Iterator[Path]:
    """The same, for all tests of a module."""
    with _place() as directory:
        yield directory


@contextmanager
def _place() -> Iterator[Path]:
    # pytest's own directories are closed to other users.
    with tempfile.TemporaryDirectory(prefix="tandem-root-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture(scope="session")
def python() -> Iterator[str]:
    """An interpreter of this version that every user may run, with the same packages."""
    with _place() as directory:
        yield make_venv(shared_python(directory / "interpreter"), directory / "venv")


def shared_python(directory: Path) -> str:
    """Return this interpreter, or where only root may run it, the system's or a copy."""
    program = Path(sys.executable).resolve()
    if all(parent.stat().st_mode & 0o001 for parent in program.parents):
        return str(program)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if found := shutil.which(name, path="/usr/local/bin:/usr/bin"):
        return found
    # With what is compiled: a user who may not write there would compile it at each start.
    unused = shutil.ignore_patterns("site-packages", "test", "share", "include")
    shutil.copytree(sys.base_prefix, directory, ignore=unused, symlinks=True)
    copy = directory / "bin" / name
    _find_library_beside(copy)
    return str(copy)


def _find_library_beside(program: Path) -> None:
    """Replace the path of the library that the interpreter is linked to, if it is."""
    former, relative = f"{sys.base_prefix}/lib\0".encode(), b"$ORIGIN/../lib\0"
    linked = program.read_bytes()
    if former in linked:
        # Not by the environment, which systemd does not pass on. The length stays.
        assert len(relative) <= len(former)
        program.write_bytes(linked.replace(former, relative.ljust(len(former), b"\0")))

"""Root's own part of a command: it gives up root, for good, before code of the project runs."""

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import django_tandem
from django_tandem import environment
from django_tandem.errors import MachineError
from django_tandem.runtime import capabilities
from django_tandem.runtime.accounts import Account


def drop(account: Account, *, keeps_port_binding: bool = False) -> None:
    """
    Have this process run as ``account`` from here on, in its groups and no others.

    With ``keeps_port_binding`` it may still listen on ports below 1024, as may what it starts.
    Raises MachineError where root itself lacks the right, as in some containers.
    """
    if keeps_port_binding:
        capabilities.survive_setuid()
    try:
        os.setgroups(account.groups)
        os.setresgid(account.gid, account.gid, account.gid)
        os.setresuid(account.uid, account.uid, account.uid)
    except OSError as error:
        raise MachineError(
            f"root may not become user {account.name} here: {error.strerror}.",
            hint="Give the container the capabilities SETUID and SETGID, start tandem as that "
            "user, or run everything as root with `tandem up --user root`.",
        ) from error
    if keeps_port_binding:
        capabilities.keep_port_binding()


def call_as(account: Account, function: Callable[[], Any]) -> Any:
    """
    Return what ``function`` returns in a child process of ``account``, None if it fails.

    The value passes through JSON. The child prints nothing and leaves no compiled modules.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of threads at a fork; this early, a command has none.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _call_and_exit(account, function, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        result = pipe.read()
    os.waitpid(child, 0)
    return json.loads(result) if result else None


def _call_and_exit(account: Account, function: Callable[[], Any], writing: int) -> NoReturn:
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        sys.dont_write_bytecode = True
        if not account.is_root:
            drop(account)
        os.write(writing, json.dumps(function()).encode())
    finally:
        # No handler of the parent process may run here.
        os._exit(0)


def become(
    account: Account,
    arguments: Sequence[str],
    *,
    needed: Iterable[Path],
    keeps_port_binding: bool = False,
) -> NoReturn:
    """
    Become ``tandem`` with ``arguments``, started by ``account``: nothing of root's is left in it.

    Raises MachineError for the first path of ``needed`` that the account can't read.
    """
    drop(account, keeps_port_binding=keeps_port_binding)
    for path in (Path(os.__file__), Path(django_tandem.__file__), *needed):
        _require(account, path, os.R_OK, "read")
    program = Path(sys.executable)
    _require(account, program, os.X_OK, "run")
    argv = [str(program), "-P", "-m", "django_tandem", *arguments]
    os.execve(program, argv, environment_of(account, os.environ))  # noqa: S606


def environment_of(account: Account, given: Mapping[str, str]) -> dict[str, str]:
    """Return ``given`` with the variables that name the user, and one that names root's part."""
    own = {"HOME": account.home, "USER": account.name, "LOGNAME": account.name}
    return {**given, **own, environment.STARTED_BY_ROOT: "1"}


def _require(account: Account, path: Path, mode: int, verb: str) -> None:
    if os.access(path, mode):
        return
    raise MachineError(
        f"{path} can't be {verb} by user {account.name}{_blocked_by(path)}.",
        hint="Give that user access, or run everything as root with `tandem up --user root`.",
    )


def _blocked_by(path: Path) -> str:
    """Name the directory above ``path`` that the user may not enter."""
    for directory in reversed(path.parents):
        if not os.access(directory, os.X_OK):
            return f", who may not enter {directory}"
    return ""

"""
Root's own part of a command: it gives up root, for good, before code of the project runs.

A stack may keep one right of root: to listen on ports below 1024. A process of an ordinary user
passes it on as an ambient capability (capabilities(7)), which is what
AmbientCapabilities=CAP_NET_BIND_SERVICE of a systemd unit sets.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import django_tandem
from django_tandem import environment
from django_tandem.errors import MachineError
from django_tandem.runtime.accounts import Account

# The import of the settings alone takes a second or two where they read a remote store.
CALL_TIMEOUT_S = 60
LONGEST_RESULT = 4096


def drop(account: Account, *, keeps_port_binding: bool = False) -> None:
    """
    Have this process run as ``account`` from here on, in its groups and no others.

    With ``keeps_port_binding`` it may still listen on ports below 1024, as may what it starts.
    Raises MachineError where root itself does not have the right, as in some containers.
    """
    if keeps_port_binding:
        survive_setuid()
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
        keep_port_binding()


def call_as(
    account: Account, function: Callable[[], Any], *, within_s: float = CALL_TIMEOUT_S
) -> Any:
    """
    Return what ``function`` returns in a child process of ``account``, None if it fails.

    The value passes through JSON, in at most LONGEST_RESULT bytes. The child prints nothing, leaves
    no compiled modules, and has no terminal: it could type into the shell that root returns to.
    What it returns is that account's own, of any type. Raises TimeoutError after ``within_s``.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of threads at a fork; this early, a command has none.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _call_and_exit(account, function, writing)
    os.close(writing)
    try:
        result = _read_result(reading, time.monotonic() + within_s)
    finally:
        os.close(reading)
        # Code of the account's may keep the child from its end.
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    try:
        return json.loads(result)
    except (ValueError, RecursionError):
        return None


def _read_result(pipe: int, deadline: float) -> bytes:
    """Read up to the end of the line: a process that the child left may keep the pipe open."""
    result = b""
    while not result.endswith(b"\n") and len(result) < LONGEST_RESULT:
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not select.select([pipe], [], [], left_s)[0]:
            raise TimeoutError
        chunk = os.read(pipe, LONGEST_RESULT)
        if not chunk:
            break
        result += chunk
    return result


def _call_and_exit(account: Account, function: Callable[[], Any], writing: int) -> NoReturn:
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.setsid()
        sys.dont_write_bytecode = True
        if not account.is_root:
            drop(account)
        os.write(writing, json.dumps(function()).encode() + b"\n")
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
    Become ``tandem`` with ``arguments``, started by ``account``; of root's it keeps the terminal.

    That is for Ctrl-C and `--debug`. Raises MachineError for the first path of ``needed`` that the
    account can't read.
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
    """Name the directory above ``path`` on which the user lacks search permission."""
    for directory in reversed(path.parents):
        if not os.access(directory, os.X_OK):
            return f", who lacks search permission on {directory}"
    return ""


# From linux/prctl.h.
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
AMBIENT_IS_SET = 1
AMBIENT_RAISE = 2
AMBIENT_LOWER = 3
# From linux/capability.h.
NET_BIND_SERVICE = 10
VERSION_3 = 0x20080522

Prctl = Callable[[int, int, int, int, int], int]


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilitySets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def find_prctl() -> Prctl | None:
    """Return prctl(2) with all its arguments; None off Linux."""
    prctl: Any = _libc_function("prctl")
    if prctl is None:
        return None
    prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
    found: Prctl = prctl
    return found


def survive_setuid() -> None:
    """Keep root's capabilities through the setuid() that follows."""
    if prctl := find_prctl():
        prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)


def keep_port_binding() -> None:
    """Give up all capabilities but that of low ports, and pass that one on through exec."""
    prctl = find_prctl()
    # A container may lack it, and then nothing is kept.
    if prctl is not None and _set_capabilities(1 << NET_BIND_SERVICE):
        prctl(PR_CAP_AMBIENT, AMBIENT_RAISE, NET_BIND_SERVICE, 0, 0)
    else:
        give_up_port_binding()


@contextlib.contextmanager
def port_binding_withheld() -> Iterator[None]:
    """Start processes without the right to listen on ports below 1024, within the block."""
    prctl = find_prctl()
    if prctl is None:
        yield
        return
    had = prctl(PR_CAP_AMBIENT, AMBIENT_IS_SET, NET_BIND_SERVICE, 0, 0) == 1
    prctl(PR_CAP_AMBIENT, AMBIENT_LOWER, NET_BIND_SERVICE, 0, 0)
    try:
        yield
    finally:
        if had:
            prctl(PR_CAP_AMBIENT, AMBIENT_RAISE, NET_BIND_SERVICE, 0, 0)


def give_up_port_binding() -> None:
    """Give up the last capability, in this process and in those that it starts."""
    # A capability that is not permitted is not ambient either.
    _set_capabilities(0)


def _set_capabilities(bits: int) -> bool:
    capset = _libc_function("capset")
    if capset is None:
        return False
    header = _CapabilityHeader(version=VERSION_3, pid=0)
    # The second one is for the capabilities from 32 on.
    sets = (_CapabilitySets * 2)(
        _CapabilitySets(effective=bits, permitted=bits, inheritable=bits), _CapabilitySets()
    )
    return bool(capset(ctypes.byref(header), sets) == 0)


def _libc_function(name: str) -> Any:
    if sys.platform != "linux":
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return None

"""
The locks of a run directory, which show which processes use it.

The holder of the first runs the stack, from `tandem up` to its end; the others are for one
reload at a time, for one process that drains what a reload replaced, for one change of the
blocked routes or of the shifts, for one process that watches shifts,
and for one mirror.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from django_tandem import environment
from django_tandem.atomic_files import replace_file
from django_tandem.errors import MachineError, RefusedError
from django_tandem.runtime.identity import UNKNOWN, ProcessIdentity, identify

NAME = "lock"
RELOAD = "reload.lock"
DRAINER = "drainer.lock"
BLOCKS = "blocked.lock"
SHIFTS = "shifts.lock"
SHIFTER = "shifter.lock"
MIRROR = "mirror.lock"
# How the lock passes from `tandem up` to the supervisord it starts: an open descriptor's number.
VARIABLE = environment.LOCK
# holder() holds the lock itself for a moment.
TRY_S = 0.1
# A command changes blocks or shifts in milliseconds.
PATIENCE_S = 5
# The identity of the pid in the lock: its time of creation and its PID namespace.
IDENTITY = "lock.json"


def take(run_dir: Path) -> int:
    """
    Take the lock, sign it, and return its descriptor.

    The kernel drops it when its last holder ends, however it ends; the file stays, for a
    file that is removed and created again would be another lock. Raises MachineError when
    another process holds it.
    """
    handle = try_to_take(run_dir, NAME)
    if handle is None:
        raise MachineError(
            f"tandem is already running in {run_dir}, with pid {holder(run_dir)}.",
            hint="Stop it with `tandem down`, or see it with `tandem status`.",
        )
    return handle


def try_to_take(run_dir: Path, name: str, within_s: float = TRY_S) -> int | None:
    """Take the lock of that name and sign it; None when another process holds it all the time."""
    handle = _open(run_dir, name)
    until = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(handle)
                return None
            time.sleep(TRY_S / 10)
        else:
            sign(handle, run_dir, name)
            return handle


@contextlib.contextmanager
def held_for_change(run_dir: Path, name: str, what: str) -> Iterator[None]:
    """
    Hold the lock of that name for a change of ``what``, a plural such as "the shifts".

    Raises RefusedError when another process keeps it for PATIENCE_S.
    """
    handle = try_to_take(run_dir, name, within_s=PATIENCE_S)
    if handle is None:
        raise RefusedError(
            f"Another process, with pid {holder(run_dir, name)}, is changing {what} of {run_dir}.",
            hint="Try again when it has ended.",
        )
    try:
        yield
    finally:
        release(handle)


def release(handle: int) -> None:
    """Release a lock by the descriptor that holds it."""
    # A process forked in between has the same file open: closing it would release nothing.
    fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)


def sign(handle: int, run_dir: Path, name: str = NAME) -> None:
    """Write this process's pid in the lock that it holds; what proves it is next to a stack's."""
    if name == NAME:
        # Without it, as on a full disk, no signal is sent: supervisord's socket is used.
        with contextlib.suppress(OSError):
            _write_identity(run_dir)
    # Truncated last: at any moment the first line is the pid of one holder or the other.
    os.ftruncate(handle, os.pwrite(handle, b"%d\n" % os.getpid(), 0))


def _write_identity(run_dir: Path) -> None:
    own = identify(os.getpid()) or UNKNOWN
    replace_file(run_dir / IDENTITY, json.dumps(asdict(own)) + "\n")


def inherited(run_dir: Path) -> int | None:
    """Return the lock that `tandem up` took for this process, None when it was not started so."""
    number = os.environ.pop(VARIABLE, "")
    if not number.isdigit():
        return None
    handle = int(number)
    try:
        same = os.path.samestat(os.fstat(handle), (run_dir / NAME).stat())
    except OSError:
        return None
    if not same:
        return None
    os.set_inheritable(handle, False)
    return handle


def holder(run_dir: Path, name: str = NAME) -> int | None:
    """Return the pid that the lock's holder wrote, 0 when unknown; None when nobody holds it."""
    try:
        handle = os.open(run_dir / name, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        # Of another user's stack. Where the directory itself can't be found, nothing is known.
        run_dir.lstat()
        return 0
    try:
        # Shared, so that two readers never see each other.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _written_pid(handle)
    finally:
        os.close(handle)
    return None


def holder_identity(run_dir: Path) -> ProcessIdentity | None:
    """Return the process that runs the stack, UNKNOWN without a proof; None when nothing runs."""
    pid = holder(run_dir)
    if pid is None:
        return None
    try:
        found = ProcessIdentity(**json.loads((run_dir / IDENTITY).read_text()))
    except (OSError, ValueError, TypeError):
        return UNKNOWN
    # Between the two writes of a signature they name two processes.
    return found if found.pid == pid else UNKNOWN


def _open(run_dir: Path, name: str) -> int:
    return os.open(run_dir / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _written_pid(handle: int) -> int:
    try:
        return int(os.pread(handle, 20, 0).split(b"\n")[0])
    except ValueError:
        # Taken and not signed yet.
        return 0

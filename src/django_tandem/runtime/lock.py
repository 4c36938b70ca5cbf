"""
The locks of a run directory, which say who is at work in it.

Who holds the first runs the stack, from `tandem up` to the end; the others are for one reload
at a time, and for one process that ends what a reload replaced.
"""

import fcntl
import os
import time
from pathlib import Path

from django_tandem.errors import MachineError

NAME = "lock"
RELOAD = "reload.lock"
DRAINER = "drainer.lock"
# How the lock passes from `tandem up` to the supervisord it starts: an open descriptor's number.
VARIABLE = "TANDEM_LOCK"
# Who asks for the holder holds it for a moment.
LOOK_S = 0.1


def take(run_dir: Path) -> int:
    """
    Take the lock, write this process's pid in it, and return its descriptor.

    The kernel drops it when its last holder ends, however it ends; the file stays, for a
    file that is removed and made again would be another lock. Raises MachineError when
    another process holds it.
    """
    handle = try_to_take(run_dir, NAME)
    if handle is None:
        raise MachineError(
            f"A stack is running in {run_dir} already, with pid {holder(run_dir)}.",
            hint="Stop it with `tandem down`, or look at it with `tandem status`.",
        )
    return handle


def try_to_take(run_dir: Path, name: str, within_s: float = LOOK_S) -> int | None:
    """Take the lock of that name and sign it; None when another process keeps it so long."""
    handle = _open(run_dir, name)
    until = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(handle)
                return None
            time.sleep(LOOK_S / 10)
        else:
            sign(handle)
            return handle


def release(handle: int) -> None:
    """Give a lock back, by the descriptor that holds it."""
    # Whatever was forked meanwhile has the same file open, and to close it would free nothing.
    fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)


def sign(handle: int) -> None:
    """Write this process's pid in the lock that it holds."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)


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
    """Return the pid of the process that holds the lock, None when nobody does."""
    try:
        handle = os.open(run_dir / name, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        # Shared, so that two who look never see each other.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid(handle)
    finally:
        os.close(handle)
    return None


def _open(run_dir: Path, name: str) -> int:
    return os.open(run_dir / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _pid(handle: int) -> int:
    # Between the taking of a lock and its signature there is a moment.
    for _ in range(1000):
        text = os.pread(handle, 20, 0)
        if text.isdigit():
            return int(text)
    return 0

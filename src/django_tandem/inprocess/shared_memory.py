"""
The files of stacks in /dev/shm, each locked by the processes that use it.

The kernel releases the locks of a process that is killed, also in another PID namespace. So what
nobody has locked is of a stack that was killed, and the next start of any stack removes it: in a
container, /dev/shm has 64 MB by default.
"""

import contextlib
import fcntl
import os
import shutil
import time
from pathlib import Path

DIRECTORY = Path("/dev/shm")  # noqa: S108 - mkstemp() and mkdtemp() make new names there
SLOT_PREFIX = "tandem-slot-"
METRICS_PREFIX = "tandem-prometheus-"
# A process locks what it has just made; the metrics of a generation pass from its workers to the
# monitor, and from one monitor to the next.
UNUSED_S = 600.0

# The directories that this process has locked, by their paths.
_locked: dict[Path, int] = {}


def is_available() -> bool:
    """Return whether there is shared memory."""
    return os.access(DIRECTORY, os.W_OK)


def free_bytes() -> int:
    """Return how much of it is free; raises OSError where that is not known."""
    found = os.statvfs(DIRECTORY)
    return found.f_bavail * found.f_frsize


def lock(handle: int) -> None:
    """Lock an open file for as long as this process, or a child of it, has it open or mapped."""
    # Some file systems have no locks; one that is held by a removal is of a file that is gone.
    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)


def lock_directory(path: Path) -> None:
    """Lock a directory, or the one that ``path`` links to, until this process ends."""
    target = path.resolve()
    # It may itself be a link, as to /run/shm.
    if target.parent != DIRECTORY.resolve() or target in _locked:
        return
    with contextlib.suppress(OSError):
        _locked[target] = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
        lock(_locked[target])


def remove_directory(path: Path) -> None:
    """Remove a directory that may be locked by this process."""
    handle = _locked.pop(path.resolve(), None)
    if handle is not None:
        os.close(handle)
    shutil.rmtree(path, ignore_errors=True)


def remove_abandoned_files() -> None:
    """Remove what stacks that were killed have left."""
    oldest = time.time() - UNUSED_S
    for prefix in (SLOT_PREFIX, METRICS_PREFIX):
        for path in DIRECTORY.glob(f"{prefix}*"):
            # It may be another user's, or be removed meanwhile.
            with contextlib.suppress(OSError):
                found = path.lstat()
                if found.st_uid == os.geteuid() and found.st_mtime < oldest:
                    _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    finally:
        os.close(handle)

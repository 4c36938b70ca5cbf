"""
The file of a process's slot: in shared memory, with a link in the run directory.

A page of a file on a disk may wait for that disk when it is written to, and a request with it.
"""

import contextlib
import errno
import logging
import mmap
import os
import tempfile
from pathlib import Path

import psutil

from django_tandem.inprocess import shared_memory
from django_tandem.inprocess.slot_layout import SLOT_BYTES
from django_tandem.model.scoreboard import SCOREBOARD

logger = logging.getLogger("django_tandem")


def map_slot(run_dir: Path) -> mmap.mmap:
    """
    Return the memory of this process's slot.

    Falls back to a file in the run directory where shared memory is full, and to private memory
    where the disk is full as well.
    """
    path = slot_path(run_dir, os.getpid())
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        remove_stale(run_dir)
        if shared_memory.is_available():
            with contextlib.suppress(OSError):
                return _map_file(path, in_memory=True)
        return _map_file(path, in_memory=False)
    except OSError as error:
        logger.warning("The monitor does not see this worker: %s.", error)
        return mmap.mmap(-1, SLOT_BYTES)


def slot_path(run_dir: Path, pid: int) -> Path:
    """Return the path of a process's slot."""
    return run_dir / SCOREBOARD / str(pid)


def remove_slot(path: Path) -> None:
    """Remove a slot, with its file in shared memory."""
    with contextlib.suppress(OSError):
        target = path.readlink()
        # The directory may hold a link that is not ours.
        if target.parent == shared_memory.DIRECTORY and target.name.startswith(
            shared_memory.SLOT_PREFIX
        ):
            target.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def remove_all(run_dir: Path) -> None:
    """Remove the slots of a stack that has ended."""
    with contextlib.suppress(OSError):
        for path in (run_dir / SCOREBOARD).iterdir():
            remove_slot(path)


def remove_stale(run_dir: Path) -> None:
    """Remove the slots of processes that have ended; call it in their PID namespace."""
    with contextlib.suppress(OSError):
        for path in (run_dir / SCOREBOARD).iterdir():
            if path.stem.isdecimal() and not psutil.pid_exists(int(path.stem)):
                remove_slot(path)


def _map_file(path: Path, *, in_memory: bool) -> mmap.mmap:
    # That of an earlier process with this pid.
    remove_slot(path)
    new = path.with_suffix(".new")
    remove_slot(new)
    handle, name = _make_file(new, in_memory=in_memory)
    try:
        _allocate(handle)
        # The mapping keeps the lock when the handle is closed.
        shared_memory.lock(handle)
        mapped = mmap.mmap(handle, SLOT_BYTES)
        if name != new:
            new.symlink_to(name)
        new.replace(path)
    except OSError:
        remove_slot(new)
        name.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    return mapped


def _allocate(handle: int) -> None:
    # On a full disk, a write to a hole in the mapped file would end the process.
    if os.write(handle, bytes(SLOT_BYTES)) < SLOT_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _make_file(new: Path, *, in_memory: bool) -> tuple[int, Path]:
    if in_memory:
        handle, name = tempfile.mkstemp(
            prefix=shared_memory.SLOT_PREFIX, dir=shared_memory.DIRECTORY
        )
        return handle, Path(name)
    return os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), new

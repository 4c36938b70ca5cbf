"""The run directory of a stack that root starts for another user, who is to own all of it."""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from django_tandem.runtime import lock
from django_tandem.runtime.accounts import Account
from django_tandem.runtime.privileges import call_as
from django_tandem.runtime.run_dir import BEFORE_RENDERED, RENDERED, is_unused
from django_tandem.runtime.writable import is_below_writable

PRIVATE = 0o700


def owner_of_running(run_dir: Path) -> int | None:
    """Return the number of the user whose stack runs in ``run_dir``; None when none runs."""
    # With another mode it is none of tandem's, and others may have locked a file in it.
    owner = owner_of_private(run_dir)
    with contextlib.suppress(OSError):
        return owner if owner is not None and lock.holder(run_dir) is not None else None
    return None


def owner_of_private(run_dir: Path) -> int | None:
    """Return the number of the user whose private directory ``run_dir`` is; None for any other."""
    with contextlib.suppress(OSError):
        found = run_dir.lstat()
        return found.st_uid if found.st_mode == stat.S_IFDIR | PRIVATE else None
    return None


def owner_of(run_dir: Path) -> int | None:
    """Return the number of the user whom ``run_dir`` belongs to; None if there is none."""
    with contextlib.suppress(OSError):
        found = run_dir.lstat()
        return found.st_uid if stat.S_ISDIR(found.st_mode) else None
    return None


def make_for(account: Account, run_dir: Path) -> None:
    """
    Make the run directory for ``account``, also where only root may.

    Only for a path that root has chosen: a directory of another user's in a place such as /etc
    could make that user root. If it can't be made, the start reports that.
    """
    with contextlib.suppress(OSError):
        if not run_dir.exists() and not call_as(account, lambda: _make(run_dir)):
            existing = next(each for each in run_dir.parents if each.exists())
            # A symbolic link of another user's might lead to a place such as /etc.
            if is_below_writable(existing):
                return
            _make(run_dir)
            with _opened(run_dir) as handle:
                # One with files has been moved here since.
                if not any(os.scandir(handle)):
                    os.fchown(handle, account.uid, account.gid)


def pass_on(account: Account, run_dir: Path) -> None:
    """Give ``account`` the run directory of a stack that ran as root, and runs no more."""
    with contextlib.suppress(OSError), _opened(run_dir) as handle:
        if _is_free(handle):
            _give(account, handle)


def is_passed_on(account: Account, run_dir: Path) -> bool:
    """Return whether a start by ``account`` may have ``run_dir``, or a new one in its place."""
    with contextlib.suppress(OSError):
        if owner_of(run_dir) == 0:
            with _opened(run_dir) as handle:
                return _is_free(handle)
        with _stopped(account, run_dir) as parent:
            return parent is not None
    return False


def set_aside(account: Account, run_dir: Path) -> Path | None:
    """
    Rename a run directory where another user's stack ran, and runs no more; return its new path.

    ``account`` gets a new one: what that user has written there is not to be trusted.
    """
    with contextlib.suppress(OSError), _stopped(account, run_dir) as parent:
        if parent is not None:
            names = set(os.listdir(parent))  # noqa: PTH208 - by the descriptor
            candidates = (f"{run_dir.name}.{number}" for number in count(1))
            name = next(each for each in candidates if each not in names)
            os.rename(run_dir.name, name, src_dir_fd=parent, dst_dir_fd=parent)
            return run_dir.with_name(name)
    return None


@contextlib.contextmanager
def _stopped(account: Account, run_dir: Path) -> Iterator[int | None]:
    """
    Yield a descriptor of the directory above ``run_dir``, with the lock held; None if not stopped.

    Only where ``run_dir`` is a private directory of tandem's, neither root's nor of ``account``.
    By names alone: to read a file there, its owner could have root wait at a FIFO.
    """
    with contextlib.ExitStack() as opened:

        def open_at(name: str | Path, flags: int, parent: int | None = None) -> int:
            handle = os.open(name, flags | os.O_CLOEXEC, dir_fd=parent)
            opened.callback(os.close, handle)
            return handle

        parent = open_at(run_dir.parent, os.O_RDONLY | os.O_DIRECTORY)
        inside = open_at(run_dir.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, parent)
        found = os.fstat(inside)
        names = set(os.listdir(inside))  # noqa: PTH208 - by the descriptor
        is_theirs = found.st_uid not in (0, account.uid) and stat.S_IMODE(found.st_mode) == PRIVATE
        has_run = lock.NAME in names and not names.isdisjoint(RENDERED)
        is_stopped = is_theirs and (has_run or names <= BEFORE_RENDERED)
        if is_stopped and lock.NAME in names:
            # Not for reading alone, which waits for the other end of a FIFO.
            handle = open_at(lock.NAME, os.O_RDWR | os.O_NOFOLLOW, inside)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                is_stopped = False
        yield parent if is_stopped else None


def _is_free(handle: int) -> bool:
    with _within(handle) as here:
        return lock.holder(here) is None and is_unused(here)


def _make(run_dir: Path) -> bool:
    missing = [each for each in run_dir.parents if not each.exists()]
    for each in reversed(missing):
        # Not with exist_ok: what another user has made since may be a symbolic link.
        each.mkdir()
    run_dir.mkdir(PRIVATE)
    return True


@contextlib.contextmanager
def _opened(run_dir: Path) -> Iterator[int]:
    """
    Open a directory of root's alone; raise OSError for another one.

    All that follows goes by this descriptor: the owner of the directory above may rename another
    one of root's to this path at any moment.
    """
    handle = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(handle)
        # Into a directory that others could enter, they might have linked a file of root's.
        if found.st_uid != 0 or stat.S_IMODE(found.st_mode) != PRIVATE:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(run_dir))
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def _within(handle: int) -> Iterator[Path]:
    """Work in the directory that ``handle`` has open; yield the path to it from there."""
    before = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    os.fchdir(handle)
    try:
        yield Path()
    finally:
        os.fchdir(before)
        os.close(before)


def _give(account: Account, handle: int) -> None:
    for _, directories, files, inside in os.fwalk(".", topdown=False, dir_fd=handle):
        for name in (*directories, *files):
            os.chown(name, account.uid, account.gid, dir_fd=inside, follow_symlinks=False)
    os.fchown(handle, account.uid, account.gid)

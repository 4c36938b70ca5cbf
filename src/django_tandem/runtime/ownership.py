"""The run directory of a stack that root starts for another user, who is to own all of it."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from django_tandem.runtime import lock
from django_tandem.runtime.accounts import Account
from django_tandem.runtime.privileges import call_as
from django_tandem.runtime.run_dir import is_unused

PRIVATE = 0o700


def owner_of_running(run_dir: Path) -> int | None:
    """Return the number of the user whose stack runs in ``run_dir``; None when none runs."""
    with contextlib.suppress(OSError):
        found = run_dir.lstat()
        # With another mode it is none of tandem's, and others may have locked a file in it.
        if found.st_mode == stat.S_IFDIR | PRIVATE and lock.holder(run_dir) is not None:
            return found.st_uid
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
            _make(run_dir)
            with _opened(run_dir) as handle:
                # One with files has been moved here since.
                if not any(os.scandir(handle)):
                    os.fchown(handle, account.uid, account.gid)


def pass_on(account: Account, run_dir: Path) -> None:
    """Give ``account`` the run directory of a stack that ran as root, and runs no more."""
    with contextlib.suppress(OSError), _opened(run_dir) as handle:
        with _within(handle) as here:
            is_free = lock.holder(here) is None and is_unused(here)
        if is_free:
            _give(account, handle)


def _make(run_dir: Path) -> bool:
    run_dir.parent.mkdir(parents=True, exist_ok=True)
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

"""The run directory of a stack that root starts for another user, who is to own all of it."""

import contextlib
import os
import stat
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
            _give(account, run_dir)


def pass_on(account: Account, run_dir: Path) -> None:
    """Give ``account`` the run directory of a stack that ran as root, and runs no more."""
    with contextlib.suppress(OSError):
        if owner_of(run_dir) == 0 and lock.holder(run_dir) is None and is_unused(run_dir):
            _give(account, run_dir)


def _make(run_dir: Path) -> bool:
    run_dir.parent.mkdir(parents=True, exist_ok=True)
    run_dir.mkdir(PRIVATE)
    return True


def _give(account: Account, run_dir: Path) -> None:
    handle = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(handle)
        # Into a directory that others could enter, they might have linked a file of root's.
        if found.st_uid != 0 or stat.S_IMODE(found.st_mode) != PRIVATE:
            return
        for _, directories, files, inside in os.fwalk(".", topdown=False, dir_fd=handle):
            for name in (*directories, *files):
                os.chown(name, account.uid, account.gid, dir_fd=inside, follow_symlinks=False)
        os.fchown(handle, account.uid, account.gid)
    finally:
        os.close(handle)

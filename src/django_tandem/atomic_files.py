"""
The atomic replacement of files and links: a reader finds the old one or the new one, always whole.

The new one is made next to the old one, under a name that no other writer has, and renamed. A
writer that is killed in between leaves that name behind; it is removed once no writer can need it.
"""

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Users name no file like this.
SUFFIX = ".tandem-new"
# No write takes this long.
ABANDONED_S = 600.0
# What a file system without hard links raises.
NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield an unused name next to ``path``; what the block makes there replaces ``path``."""
    new = _unused_name(path)
    try:
        yield new
        new.replace(path)
    finally:
        # Also after the rename, which keeps both names of one file (rename(2)).
        new.unlink(missing_ok=True)


def replace_file(
    path: Path,
    content: str | bytes,
    *,
    mode: int = 0o600,
    owner: tuple[int, int] | None = None,
    is_durable: bool = False,
) -> None:
    """
    Replace ``path`` by a file of this content and mode.

    It belongs to the user and the group ``owner``. With ``is_durable`` it survives a power failure.
    """
    with replacing(path) as new:
        _write(new, content, mode, owner, is_durable=is_durable)
    if is_durable:
        sync_directory(path.parent)


def create_file(path: Path, content: str | bytes, *, mode: int = 0o600) -> bool:
    """Make ``path``, whole from the first moment, unless it exists; return whether it was made."""
    new = _unused_name(path)
    try:
        _write(new, content, mode)
        _link(new, path)
    except FileExistsError:
        return False
    finally:
        new.unlink(missing_ok=True)
    return True


def replace_link(path: Path, target: str | Path) -> None:
    """Replace ``path`` by a symbolic link to ``target``."""
    with replacing(path) as new:
        new.symlink_to(target)


def sync_directory(directory: Path) -> None:
    """Have the names in ``directory`` survive a power failure, such as that of a renamed file."""
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_abandoned(directory: Path) -> None:
    """Remove what writers that were killed have left in ``directory``."""
    before = time.time() - ABANDONED_S
    for path in directory.glob(f".*{SUFFIX}"):
        # Another process may remove it at the same moment.
        with contextlib.suppress(OSError):
            if path.lstat().st_mtime < before:
                path.unlink()


def _unused_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.urandom(6).hex()}{SUFFIX}")


def _link(new: Path, path: Path) -> None:
    try:
        os.link(new, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        new.replace(path)


def _write(
    new: Path,
    content: str | bytes,
    mode: int,
    owner: tuple[int, int] | None = None,
    *,
    is_durable: bool = False,
) -> None:
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w" if isinstance(content, str) else "wb") as file:
        file.write(content)
        if owner is not None:
            os.fchown(handle, *owner)
        # Not limited by the umask.
        os.fchmod(handle, mode)
        if is_durable:
            file.flush()
            # Before the rename: a power failure would leave an empty file in place.
            os.fsync(handle)

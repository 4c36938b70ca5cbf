"""
The directory of the splits and the mirror, for which the edge looks at each request.

It exists only while there is a split or a mirror: any other request costs one stat(2).
"""

import contextlib
from pathlib import Path

DIRECTORY = "diverted"


def make(run_dir: Path) -> None:
    """Make the directory where there is none."""
    # Not with exist_ok, which fails where another process removes it at that moment.
    with contextlib.suppress(FileExistsError):
        (run_dir / DIRECTORY).mkdir()


def place(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target`` in the directory, which is made where there is none."""
    while True:
        make(target.parent.parent)
        try:
            source.replace(target)
        except FileNotFoundError:
            if not (source.is_symlink() or source.exists()):
                raise
            # Another process has just removed the directory, which was empty.
            continue
        return


def remove_if_empty(run_dir: Path) -> None:
    """Remove the directory, unless something is in it or there is none."""
    with contextlib.suppress(OSError):
        (run_dir / DIRECTORY).rmdir()

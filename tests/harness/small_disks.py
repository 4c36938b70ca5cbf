"""File systems of a few kilobytes, which only root can mount, and their last pages."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = 4096


@contextmanager
def small_disk(path: Path, kilobytes: int, *, inodes: int = 0) -> Iterator[Path]:
    """Mount a file system of so many kilobytes, and of so many files if given."""
    path.mkdir()
    options = f"size={kilobytes}k" + (f",nr_inodes={inodes}" if inodes else "")
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(disk: Path, *, but_pages: int = 0) -> Path:
    """Fill a disk up to so many pages, and return the file that fills it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 0
        try:
            while True:
                size += file.write(bytes(PAGE))
        except OSError:
            file.truncate(max(0, size - but_pages * PAGE))
    return filler

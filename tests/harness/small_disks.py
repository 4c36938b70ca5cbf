"""File systems of a few kilobytes, which only root can mount, and their last pages."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = 4096
# Its input ends with the block, or with a test process that is killed in it: pytest could not
# remove the directory of a disk that is still mounted, and warn of it in each later run.
UNMOUNT = 'cat; exec umount --lazy "$0"'


@contextmanager
def small_disk(path: Path, kilobytes: int, *, inodes: int = 0) -> Iterator[Path]:
    """Mount a file system of so many kilobytes, and of so many files if given."""
    path.mkdir()
    options = f"size={kilobytes}k" + (f",nr_inodes={inodes}" if inodes else "")
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
    # A session of its own, which a signal to the group of the tests does not reach.
    unmounting = ["sh", "-c", UNMOUNT, str(path)]
    with subprocess.Popen(unmounting, stdin=subprocess.PIPE, start_new_session=True) as process:
        yield path
    assert process.returncode == 0


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

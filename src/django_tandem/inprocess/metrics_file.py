"""
A process's file of Prometheus metrics, with the space of what is written to it reserved.

prometheus_client maps a file with holes. On a full file system a write to a hole ends the process
with SIGBUS, and a container has 64 MB in /dev/shm. Without room for its file a process counts in
private memory: what it counts from then on is missing from the monitor's page, and the project
serves.
"""

import errno
import logging
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

logger = logging.getLogger("django_tandem")

# The size that prometheus_client makes a file with; it doubles a file that is full.
FIRST_BYTES = 1 << 16
# The most that a series takes in addition to its key: a length, padding, a value and its time.
BESIDE_KEY_BYTES = 32
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def install() -> None:
    """Have the metrics of this process kept in files with reserved space, on Linux."""
    if hasattr(os, "memfd_create"):
        module: Any = values
        module.MmapedDict = MetricsFile


class MetricsFile(MmapedDict):
    """A file with the values of one process; ``is_private`` once there was no room for it."""

    # Those of the base class, which has no types.
    _f: Any
    _m: Any
    _used: int
    _capacity: int

    def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002
        self.is_private = not (read_mode or _reserve_new(Path(filename)))
        if not self.is_private:
            super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
            return
        self._note_no_room(filename)
        with _private_path() as path:
            super().__init__(path)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        needed = self._used + len(key.encode()) + BESIDE_KEY_BYTES
        capacity = self._capacity
        while capacity < needed:
            capacity *= 2
        is_private = self.is_private or capacity == self._capacity
        if not (is_private or _reserve(self._f.fileno(), capacity)):
            self._move_to_private_memory()
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _note_no_room(self, name: str) -> None:
        logger.warning(
            "No space for %s: metrics of process %d are not exported from now on.",
            name,
            os.getpid(),
        )

    def _move_to_private_memory(self) -> None:
        self._note_no_room(self._f.name)
        self.is_private = True
        with _private_path() as path:
            private = open(path, "a+b")  # noqa: SIM115, PTH123 - as the base class keeps its file
        private.write(self._m[:])
        private.flush()
        # The file stays, with what was counted so far: no counter on the page decreases.
        self._m.close()
        self._f.close()
        self._f, self._m = private, mmap.mmap(private.fileno(), self._capacity)


@contextmanager
def _private_path() -> Iterator[str]:
    """Yield the path of a new file in the memory of this process."""
    handle = os.memfd_create("metrics")
    try:
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def _reserve_new(path: Path) -> bool:
    """Reserve the space of a file that is about to be mapped; return whether there is any."""
    try:
        with path.open("ab") as file:
            size = os.fstat(file.fileno()).st_size
            if _reserve(file.fileno(), max(size, FIRST_BYTES)):
                return True
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        return False
    if not size:
        # The collector can't read an empty file.
        path.unlink()
    return False


def _reserve(handle: int, size: int) -> bool:
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        # Some file systems reserve nothing, and are mapped as they are.
        return error.errno not in NO_ROOM
    return True

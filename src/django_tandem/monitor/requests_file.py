"""The file to which the edge appends a line for each request: read, and freed as it is read."""

import contextlib
import ctypes
import errno
import os
from pathlib import Path

# Of a read; a thousand requests are about 200 kB.
READ_BYTES = 1024 * 1024
# From fcntl.h: free the blocks of a range and zero the rest of it, and leave the file's length.
KEEP_SIZE, PUNCH_HOLE = 0x01, 0x02
# A hole takes no space, and yet the length of a file has a limit.
LONGEST_WITH_HOLES = 1 << 30
# Where the file system has no holes, the length is the space.
LONGEST = 16 * 1024 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


class RequestsFile:
    """
    Reads the lines that have been appended since the last read, also by another process.

    What is read is zeroed at once: after a kill, the next monitor continues behind the zeros, and
    counts nothing twice. Lines that the killed one had read and not passed on are lost: at most the
    minute that has begun. NGINX appends, and never waits for a reader.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._offset = 0
        self._has_holes = True

    def read(self) -> list[str]:
        """Return whole lines without their ends, of at most READ_BYTES; empty without new ones."""
        if not self._open():
            return []
        size = os.fstat(self._descriptor).st_size
        if size < self._offset:
            # Truncated: to free a disk, or by us.
            self._offset = 0
        data = self._next_data()
        whole, end, rest = data.rpartition(b"\n")
        if not end and len(rest) < READ_BYTES:
            # The rest of the line is on its way.
            return []
        self._free(len(data) - len(rest) if end else len(rest))
        if self._offset == size:
            self._shorten(size)
        return whole.decode(errors="replace").lstrip("\0").split("\n")

    def _next_data(self) -> bytes:
        while data := os.pread(self._descriptor, READ_BYTES, self._offset):
            if data.strip(b"\0"):
                break
            # Read before, on a file system that does not say where a hole ends.
            self._offset += len(data)
        return data

    def is_removed(self) -> bool:
        """Return whether the file that the edge writes to no longer has its name."""
        if self._descriptor < 0:
            return False
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except OSError:
            return True

    def close(self) -> None:
        """Close it; the next read opens the file that has the name then."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._offset = -1, 0

    def _open(self) -> bool:
        if self._descriptor < 0:
            with contextlib.suppress(OSError):
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
                self._offset = self._first_data()
        return self._descriptor >= 0

    def _first_data(self) -> int:
        try:
            return os.lseek(self._descriptor, 0, os.SEEK_DATA)
        except OSError as error:
            # All of it is one hole.
            return os.fstat(self._descriptor).st_size if error.errno == errno.ENXIO else 0

    def _free(self, length: int) -> None:
        begin, self._offset = self._offset, self._offset + length
        if self._has_holes:
            # From the first byte on: only a whole block is freed.
            whole = ctypes.c_int64(0), ctypes.c_int64(self._offset)
            if _libc.fallocate(self._descriptor, PUNCH_HOLE | KEEP_SIZE, *whole) == 0:
                return
            self._has_holes = False
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, bytes(length), begin)

    def _shorten(self, size: int) -> None:
        # What NGINX appended since would be lost, so this is rare.
        if size < (LONGEST_WITH_HOLES if self._has_holes else LONGEST):
            return
        if os.fstat(self._descriptor).st_size == size:
            os.ftruncate(self._descriptor, 0)
            self._offset = 0

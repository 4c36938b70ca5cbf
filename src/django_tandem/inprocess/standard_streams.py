"""Standard streams whose writes never fail: a full disk must not fail a view that prints."""

import io
import os
import sys
from typing import Any


class LossyFile(io.FileIO):
    """A file that drops what can't be written, such as on a full disk."""

    def write(self, data: Any) -> int:
        """Write ``data`` as far as possible, and report all of it as written."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest:
                # None when a pipe is full that does not block.
                rest = rest[super().write(rest) or len(rest) :]
        except OSError:
            pass
        return size


def ignore_write_errors() -> None:
    """Replace sys.stdout and sys.stderr by streams to the same files that drop what fails."""
    sys.stdout = _lossy(sys.stdout)
    sys.stderr = _lossy(sys.stderr)


def _lossy(stream: Any) -> Any:
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError, ValueError):
        # None, closed, or replaced by an object without a file.
        return stream
    if os.isatty(descriptor):
        return stream
    return io.TextIOWrapper(
        # TextIOWrapper accepts a raw file, as with `python -u`.
        LossyFile(descriptor, "w", closefd=False),
        encoding=stream.encoding,
        errors="backslashreplace",
        write_through=True,
    )

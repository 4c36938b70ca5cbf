"""The heartbeat of a shared master's loop: the time of a file in the run directory."""

import contextlib
import os
import time
from pathlib import Path

from django_tandem.inprocess.generation_files import GenerationFiles

FILES = GenerationFiles("heartbeat")


class MasterHeartbeat:
    """One master's heartbeat; its file has the time of the monotonic clock."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def beat(self) -> None:
        """Set the time of the file."""
        if self._path is None:
            return
        now = time.monotonic()
        # The disk may be full, or the run directory removed: the workers come first.
        with contextlib.suppress(OSError):
            try:
                os.utime(self._path, (now, now))
            except FileNotFoundError:
                self._path.touch(0o600)
                os.utime(self._path, (now, now))


def age_s(run_dir: Path, generation: int) -> float | None:
    """Return the time since the last heartbeat; None where no master has one."""
    try:
        return max(0.0, time.monotonic() - FILES.path(run_dir, generation).stat().st_mtime)
    except OSError:
        return None

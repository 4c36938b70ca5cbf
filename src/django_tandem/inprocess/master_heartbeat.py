"""The heartbeat of a shared master's loop: the time of a file in the run directory."""

import contextlib
import os
import time
from collections.abc import Collection
from pathlib import Path

from django_tandem import environment

PREFIX = "heartbeat-"


class MasterHeartbeat:
    """One master's heartbeat; its file has the time of the monotonic clock."""

    def __init__(self, run_dir: Path | None, generation: int = 0) -> None:
        self._path = _path(run_dir, generation) if run_dir else None

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


def from_environment() -> MasterHeartbeat:
    """Return the heartbeat of this master, written if the environment names a run directory."""
    run_dir = os.environ.get(environment.RUN_DIR)
    generation = int(os.environ.get(environment.GENERATION) or 0)
    return MasterHeartbeat(Path(run_dir) if run_dir else None, generation)


def age_s(run_dir: Path, generation: int) -> float | None:
    """Return the time since the last heartbeat; None where no master has one."""
    try:
        return max(0.0, time.monotonic() - _path(run_dir, generation).stat().st_mtime)
    except OSError:
        return None


def remove_all_but(run_dir: Path, generations: Collection[int]) -> None:
    """Remove the heartbeats of generations that do not run any more."""
    kept = {_path(run_dir, generation).name for generation in generations}
    for path in run_dir.glob(f"{PREFIX}[0-9]*"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def _path(run_dir: Path, generation: int) -> Path:
    return run_dir / f"{PREFIX}{generation}"

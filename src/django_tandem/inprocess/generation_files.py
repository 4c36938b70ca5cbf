"""Files in the run directory that each belong to one generation, as ``NAME-GENERATION``."""

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from django_tandem import environment
from django_tandem.atomic_files import replace_file


@dataclass(frozen=True, slots=True)
class GenerationFiles:
    """The files of one name, one for each generation."""

    name: str

    @property
    def pattern(self) -> str:
        """The names of the files of all generations, as a glob."""
        return f"{self.name}-[0-9]*"

    def path(self, run_dir: Path, generation: int) -> Path:
        """Return the path of the file of ``generation``."""
        return run_dir / f"{self.name}-{generation}"

    def remove(self, run_dir: Path, generation: int) -> None:
        """Remove the file of ``generation``, if there is one."""
        self.path(run_dir, generation).unlink(missing_ok=True)

    def remove_all_but(self, run_dir: Path, generations: Collection[int]) -> None:
        """Remove the files of every generation but these."""
        kept = {self.path(run_dir, generation) for generation in generations}
        for path in run_dir.glob(self.pattern):
            if path not in kept:
                path.unlink(missing_ok=True)

    def path_of_process(self) -> Path | None:
        """Return the path for this process's generation; None outside of a stack."""
        run_dir = os.environ.get(environment.RUN_DIR)
        generation = int(os.environ.get(environment.GENERATION) or 0)
        return self.path(Path(run_dir), generation) if run_dir else None


RESTARTS = GenerationFiles("restarts")


class WorkerRestarts:
    """The restarts of one master's workers, written at each one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        # That of an abandoned reload may have had this number.
        if path is not None:
            path.unlink(missing_ok=True)
        self._counts: Counter[str] = Counter()

    def add(self, kind: str) -> None:
        """Add a restart: a worker was started in place of one that ended."""
        self._counts[kind] += 1
        if self._path is None:
            return
        # The disk may be full, or the run directory removed: the workers come first.
        with contextlib.suppress(OSError):
            replace_file(self._path, json.dumps(self._counts))


def read_restarts(run_dir: Path, generation: int) -> dict[str, int]:
    """Return the restarts by kind, without those of kinds that had none."""
    try:
        return dict(json.loads(RESTARTS.path(run_dir, generation).read_text()))
    except (OSError, ValueError):
        return {}


HEARTBEAT = GenerationFiles("heartbeat")


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


def heartbeat_age_s(run_dir: Path, generation: int) -> float | None:
    """Return the time since the last heartbeat; None where no master has one."""
    try:
        return max(0.0, time.monotonic() - HEARTBEAT.path(run_dir, generation).stat().st_mtime)
    except OSError:
        return None

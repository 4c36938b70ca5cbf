"""How often a shared master has replaced workers of each kind: a small file for `tandem status`."""

import contextlib
import json
import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from django_tandem import environment

PREFIX = "restarts-"


class WorkerRestarts:
    """The restarts of one master's workers, written at each one."""

    def __init__(self, run_dir: Path | None, generation: int = 0) -> None:
        self._path = _path(run_dir, generation) if run_dir else None
        # That of an abandoned reload may have had this number.
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self._counts: Counter[str] = Counter()

    def count(self, kind: str) -> None:
        """Count a worker that was started in place of one that ended."""
        self._counts[kind] += 1
        if self._path is None:
            return
        new = self._path.with_name(f"{self._path.name}.new")
        # The disk may be full, or the run directory removed: the workers come first.
        with contextlib.suppress(OSError):
            new.write_text(json.dumps(self._counts))
            new.replace(self._path)


def from_environment() -> WorkerRestarts:
    """Return the restarts of this master, written if the environment names a run directory."""
    run_dir = os.environ.get(environment.RUN_DIR)
    generation = int(os.environ.get(environment.GENERATION) or 0)
    return WorkerRestarts(Path(run_dir) if run_dir else None, generation)


def read(run_dir: Path, generation: int) -> dict[str, int]:
    """Return the restarts by kind, without those of kinds that had none."""
    try:
        return dict(json.loads(_path(run_dir, generation).read_text()))
    except (OSError, ValueError):
        return {}


def clear(run_dir: Path, generation: int) -> None:
    """Remove the counts of an abandoned generation that had this number."""
    _path(run_dir, generation).unlink(missing_ok=True)


def remove_all_but(run_dir: Path, generations: Collection[int]) -> None:
    """Remove the counts of generations that do not run any more."""
    kept = {_path(run_dir, generation).name for generation in generations}
    for path in run_dir.glob(f"{PREFIX}[0-9]*"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def _path(run_dir: Path, generation: int) -> Path:
    return run_dir / f"{PREFIX}{generation}"

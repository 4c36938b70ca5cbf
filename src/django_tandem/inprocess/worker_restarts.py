"""How often a shared master has replaced workers of each kind: a small file for `tandem status`."""

import contextlib
import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path

PREFIX = "restarts-"


class WorkerRestarts:
    """The restarts of one master's workers, written at each one."""

    def __init__(self, run_dir: Path, generation: int) -> None:
        self._path = _path(run_dir, generation)
        # That of an abandoned reload may have had this number.
        self._path.unlink(missing_ok=True)
        self._counts: Counter[str] = Counter()

    def count(self, kind: str) -> None:
        """Count a worker that was started in place of one that ended."""
        self._counts[kind] += 1
        new = self._path.with_name(f"{self._path.name}.new")
        # The disk may be full, or the run directory removed: the workers come first.
        with contextlib.suppress(OSError):
            new.write_text(json.dumps(self._counts))
            new.replace(self._path)


def read(run_dir: Path, generation: int) -> dict[str, int]:
    """Return the restarts by kind, without those of kinds that had none."""
    try:
        return dict(json.loads(_path(run_dir, generation).read_text()))
    except (OSError, ValueError):
        return {}


def remove_all_but(run_dir: Path, generations: Collection[int]) -> None:
    """Remove the counts of generations that do not run any more."""
    kept = {_path(run_dir, generation).name for generation in generations}
    for path in run_dir.glob(f"{PREFIX}[0-9]*"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def _path(run_dir: Path, generation: int) -> Path:
    return run_dir / f"{PREFIX}{generation}"

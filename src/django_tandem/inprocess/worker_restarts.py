"""How often a shared master has replaced workers of each kind: a small file for `tandem status`."""

import contextlib
import json
from collections import Counter
from pathlib import Path

from django_tandem.atomic_files import replace_file
from django_tandem.inprocess.generation_files import GenerationFiles

FILES = GenerationFiles("restarts")


class WorkerRestarts:
    """The restarts of one master's workers, written at each one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        # That of an abandoned reload may have had this number.
        if path is not None:
            path.unlink(missing_ok=True)
        self._counts: Counter[str] = Counter()

    def count(self, kind: str) -> None:
        """Count a worker that was started in place of one that ended."""
        self._counts[kind] += 1
        if self._path is None:
            return
        # The disk may be full, or the run directory removed: the workers come first.
        with contextlib.suppress(OSError):
            replace_file(self._path, json.dumps(self._counts))


def read(run_dir: Path, generation: int) -> dict[str, int]:
    """Return the restarts by kind, without those of kinds that had none."""
    try:
        return dict(json.loads(FILES.path(run_dir, generation).read_text()))
    except (OSError, ValueError):
        return {}

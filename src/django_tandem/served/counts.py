"""How often each route was handed over: a small file that all processes of a stack add to."""

import atexit
import fcntl
import json
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

VARIABLE = "TANDEM_RUN_DIR"
NAME = "handovers.json"
# A process writes at most so often; what it counted meanwhile goes with the next write.
WRITE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Handovers:
    """How often requests for ``route`` were handed over ``to`` the stack that serves it."""

    route: str
    to: str
    count: int


class Counts:
    """The counts of this process that are not written yet."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / NAME
        self._lock = Lock()
        self._waiting: Counter[str] = Counter()
        self._written = 0.0
        atexit.register(self.write)

    def add(self, route: str, to: str) -> None:
        """Count one hand-over."""
        with self._lock:
            self._waiting[f"{to} {route}"] += 1
        if time.monotonic() - self._written >= WRITE_EVERY_S:
            self.write()

    def write(self) -> None:
        """Add what waits to the file; a run directory that is gone is no reason to fail."""
        with self._lock:
            waiting, self._waiting = self._waiting, Counter()
            self._written = time.monotonic()
        if waiting:
            try:
                _add(self._path, waiting)
            except OSError:
                return


def from_environment() -> Counts | None:
    """Return the counts for the run directory that the environment names."""
    run_dir = os.environ.get(VARIABLE)
    return Counts(Path(run_dir)) if run_dir else None


def read(run_dir: Path) -> tuple[Handovers, ...]:
    """Return what was counted in ``run_dir``, the most frequent first."""
    try:
        kept = json.loads((run_dir / NAME).read_text() or "{}")
    except FileNotFoundError:
        return ()
    return tuple(
        Handovers(route=key.partition(" ")[2], to=key.partition(" ")[0], count=count)
        for key, count in sorted(kept.items(), key=lambda item: (-item[1], item[0]))
    )


def _add(path: Path, more: Counter[str]) -> None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+") as file:
        # Other processes add to it too; the lock goes with the file.
        fcntl.flock(file, fcntl.LOCK_EX)
        total = Counter(json.loads(file.read() or "{}")) + more
        file.seek(0)
        file.write(json.dumps(total))
        file.truncate()

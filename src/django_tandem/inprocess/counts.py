"""How often each route was handed over: a small file that all processes of a stack add to."""

import atexit
import contextlib
import fcntl
import json
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Timer

VARIABLE = "TANDEM_RUN_DIR"
NAME = "handovers.json"
# What is locked is never replaced, as the file is at each write.
LOCK = "handovers.lock"
NEW = "handovers.new"
# A process writes at most so often, and what it counted within so long.
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
        self._run_dir = run_dir
        self._lock = Lock()
        self._waiting: Counter[str] = Counter()
        self._written = 0.0
        self._is_due = False
        atexit.register(self.write)

    def add(self, route: str, to: str) -> None:
        """Count one hand-over in memory; it is written soon, and by another thread."""
        with self._lock:
            self._waiting[f"{to} {route}"] += 1
            if self._is_due:
                return
            self._is_due = True
            after_s = max(0.0, self._written + WRITE_EVERY_S - time.monotonic())
        timer = Timer(after_s, self.write)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:
            # As many threads as there may be, or the interpreter ends: the next one writes it.
            with self._lock:
                self._is_due = False

    def write(self) -> None:
        """Add what waits to the file; a run directory that is gone is no reason to fail."""
        with self._lock:
            waiting, self._waiting = self._waiting, Counter()
            self._written = time.monotonic()
            self._is_due = False
        if waiting:
            with contextlib.suppress(OSError):
                _add(self._run_dir, waiting)


def from_environment() -> Counts | None:
    """Return the counts for the run directory that the environment names."""
    run_dir = os.environ.get(VARIABLE)
    return Counts(Path(run_dir)) if run_dir else None


def read(run_dir: Path) -> tuple[Handovers, ...]:
    """Return what was counted in ``run_dir``, the most frequent first."""
    kept = _kept(run_dir / NAME)
    return tuple(
        Handovers(route=key.partition(" ")[2], to=key.partition(" ")[0], count=count)
        for key, count in sorted(kept.items(), key=lambda item: (-item[1], item[0]))
    )


def _kept(path: Path) -> Counter[str]:
    try:
        kept = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return Counter()
    # A damaged file is worth no more than none.
    is_sound = isinstance(kept, dict) and all(type(count) is int for count in kept.values())
    return Counter(kept if is_sound else {})


def _add(run_dir: Path, more: Counter[str]) -> None:
    handle = os.open(run_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # Other processes add to it too; the lock ends as the file is closed.
    with os.fdopen(handle) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        total = _kept(run_dir / NAME) + more
        # Whole or not at all: a full disk must not leave half a file.
        new = os.open(run_dir / NEW, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(new, "w") as file:
            json.dump(total, file)
        (run_dir / NEW).replace(run_dir / NAME)

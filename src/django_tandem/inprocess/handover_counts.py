"""Counts the handovers of each route, in a small file that all processes of a stack share."""

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

from django_tandem import environment
from django_tandem.atomic_files import replace_file

NAME = "handovers.json"
# The lock is a separate file, as the counts are replaced at each write.
LOCK = "handovers.lock"
# A process writes no more often than this, and no count stays in memory for longer.
WRITE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverCount:
    """
    How many requests for ``route`` were handed over to the stack ``to``.

    ``pin`` is the target of the narrowest pin that avoids it.
    """

    route: str
    to: str
    count: int
    pin: str = ""


class HandoverCounter:
    """Counts the handovers of this process, and adds them to the file."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._lock, self._writing = Lock(), Lock()
        self._unwritten: Counter[str] = Counter()
        self._written_at = 0.0
        self._is_scheduled = False
        atexit.register(self.write)

    def add(self, route: str, to: str, pin: str = "") -> None:
        """Count one handover in memory; another thread writes it soon."""
        with self._lock:
            self._unwritten[f"{to} {route}\t{pin}"] += 1
            if self._is_scheduled:
                return
            self._is_scheduled = True
            after_s = max(0.0, self._written_at + WRITE_EVERY_S - time.monotonic())
        timer = Timer(after_s, self.write)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:
            # No thread can be started, or the interpreter exits: the next call retries.
            with self._lock:
                self._is_scheduled = False

    def write(self) -> None:
        """Add the unwritten counts to the file, if the run directory still exists."""
        # The exit waits for a thread that is writing: it would end in the middle of it.
        with self._writing:
            with self._lock:
                unwritten, self._unwritten = self._unwritten, Counter()
                self._written_at = time.monotonic()
                self._is_scheduled = False
            if unwritten:
                with contextlib.suppress(OSError):
                    _add(self._run_dir, unwritten)


def from_environment() -> HandoverCounter | None:
    """Return the counter for the run directory that the environment names, if it names one."""
    run_dir = os.environ.get(environment.RUN_DIR)
    return HandoverCounter(Path(run_dir)) if run_dir else None


def read(run_dir: Path) -> tuple[HandoverCount, ...]:
    """Return the counts in ``run_dir``, the most frequent first; none in another user's."""
    try:
        stored = _read(run_dir / NAME)
    except PermissionError:
        return ()
    return tuple(
        _count(key, count)
        for key, count in sorted(stored.items(), key=lambda item: (-item[1], item[0]))
    )


def _count(key: str, count: int) -> HandoverCount:
    to, _, rest = key.partition(" ")
    route, _, pin = rest.partition("\t")
    return HandoverCount(route=route, to=to, count=count, pin=pin)


def _read(path: Path) -> Counter[str]:
    try:
        stored = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return Counter()
    # A damaged file counts nothing.
    is_sound = isinstance(stored, dict) and all(type(count) is int for count in stored.values())
    return Counter(stored if is_sound else {})


def _add(run_dir: Path, more: Counter[str]) -> None:
    handle = os.open(run_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # Closing the file releases the lock.
    with os.fdopen(handle) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        total = _read(run_dir / NAME) + more
        replace_file(run_dir / NAME, json.dumps(total))

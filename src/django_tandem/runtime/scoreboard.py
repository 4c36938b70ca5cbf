"""Reads the slots of the running workers."""

import mmap
from collections.abc import Iterator
from pathlib import Path

from django_tandem.inprocess import slot_layout
from django_tandem.model.scoreboard import SCOREBOARD, WorkerSlot
from django_tandem.runtime.identity import created_at

# The kernel counts the start of a process in hundredths of a second.
TOLERANCE_S = 0.02


class ScoreboardReader:
    """Reads the slots of a run directory, and keeps the last of each for one that is written."""

    def __init__(self, run_dir: Path) -> None:
        self._directory = run_dir / SCOREBOARD
        self._last: dict[int, WorkerSlot] = {}

    def read(self) -> tuple[WorkerSlot, ...]:
        """Return the slot of each running worker, by pid."""
        self._last = {slot.pid: slot for slot in self._slots()}
        return tuple(slot for _, slot in sorted(self._last.items()))

    def _slots(self) -> Iterator[WorkerSlot]:
        for pid in self._pids():
            found = self._read(pid)
            if found is not None:
                yield found

    def _pids(self) -> list[int]:
        try:
            names = [path.name for path in self._directory.iterdir()]
        except OSError:
            return []
        return [int(name) for name in names if name.isdecimal()]

    def _read(self, pid: int) -> WorkerSlot | None:
        try:
            with (self._directory / str(pid)).open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):
            # It has just ended.
            return None
        with mapped:
            if len(mapped) < slot_layout.SLOT_BYTES:
                return None
            created = created_at(pid)
            opened = slot_layout.opened_at(mapped)
            # A younger process has the pid of one that was killed.
            if created is None or created > opened + TOLERANCE_S:
                return None
            try:
                return slot_layout.read_slot(mapped) or self._last.get(pid)
            except (TypeError, ValueError, AttributeError):
                # Of a worker of another version.
                return None


def read_slots(run_dir: Path) -> tuple[WorkerSlot, ...]:
    """Return the slot of each running worker, by pid."""
    return ScoreboardReader(run_dir).read()

"""The running workers: the processes of a shared master, and the slots that each worker writes."""

import mmap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from django_tandem.inprocess import slot_file
from django_tandem.inprocess.worker_process import booting_name, process_name
from django_tandem.model.programs import KINDS, MASTER_MODULE
from django_tandem.model.scoreboard import SCOREBOARD, WorkerSlot
from django_tandem.runtime.identity import created_at

# By name of the process: the kind, and whether the worker is ready.
NAMES = {process_name(kind): (str(kind), True) for kind in KINDS} | {
    booting_name(kind): (str(kind), False) for kind in KINDS
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker of a shared master, the seconds since its start, and whether it has booted."""

    pid: int
    uptime_s: int
    is_ready: bool = True


# By kind; None where they are not known.
Workers = dict[str, tuple[Worker, ...]] | None


def workers_of(pid: int) -> Workers:
    """Return the workers of a shared master; None where ``pid`` is none here."""
    try:
        master = psutil.Process(pid)
        # In another PID namespace, the pid may be a stranger's.
        if MASTER_MODULE not in master.cmdline():
            return None
        found = list(_workers(master))
    except psutil.Error:
        return None
    return {kind: tuple(each for own, each in found if own == kind) for kind in KINDS}


def _workers(master: psutil.Process) -> Iterator[tuple[str, Worker]]:
    for child in sorted(master.children(), key=lambda child: child.pid):
        try:
            kind, is_ready = NAMES.get(child.name(), ("", False))
            age_s = time.time() - child.create_time()
        except psutil.Error:
            # It has just ended.
            continue
        if kind:
            yield kind, Worker(pid=child.pid, uptime_s=max(0, int(age_s)), is_ready=is_ready)


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
            if len(mapped) < slot_file.SLOT_BYTES:
                return None
            created = created_at(pid)
            opened = slot_file.opened_at(mapped)
            # A younger process has the pid of one that was killed.
            if created is None or created > opened + TOLERANCE_S:
                return None
            try:
                return slot_file.read_slot(mapped) or self._last.get(pid)
            except (TypeError, ValueError, AttributeError):
                # Of a worker of another version.
                return None


def read_slots(run_dir: Path) -> tuple[WorkerSlot, ...]:
    """Return the slot of each running worker, by pid."""
    return ScoreboardReader(run_dir).read()

"""The processes of a stack: their slots, and the CPU time and memory that the kernel counts."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from django_tandem.inprocess import generation_files
from django_tandem.model import programs
from django_tandem.model.scoreboard import WorkerSlot
from django_tandem.model.state import State
from django_tandem.monitor.chart_marks import name_of
from django_tandem.monitor.snapshot import WorkerState
from django_tandem.runtime import supervisord
from django_tandem.runtime.usage import usage_of, usages

MB = 1024 * 1024


def read_restarts(run_dir: Path, state: State) -> dict[str, int]:
    """Return how often programs and workers of a shared master were restarted; raises OSError."""
    generation = state.generation
    of_workers = generation_files.read_restarts(run_dir, generation)
    named = {programs.numbered(kind, generation): count for kind, count in of_workers.items()}
    of_programs = supervisord.restarts(run_dir) if state.is_supervised else {}
    return {**of_programs, **named}


def read_memory(
    run_dir: Path, state: State, root: int, slots: Iterable[WorkerSlot]
) -> tuple[dict[str, float], dict[int, float]]:
    """
    Return the proportional memory of each program in bytes, and of each worker in MB.

    ``root`` is supervisord, or the one program without it. The kernel walks all pages of a
    process: this is expensive. Raises OSError.
    """
    if state.is_supervised:
        statuses = supervisord.statuses(run_dir)
    else:
        # Only the companion of a role without supervisord needs it.
        from django_tandem.runtime import unsupervised  # noqa: PLC0415

        statuses = unsupervised.statuses(run_dir, state)
    names = {each.pid: name_of(each.name) for each in statuses if each.pid}
    workers = {slot.pid: slot.stack for slot in slots}
    names |= workers
    found = {pid: each.pss_mb for pid, each in usages(root, names).items()}
    if not state.is_supervised:
        found[root] = usage_of(psutil.Process(root)).pss_mb
    of_programs: dict[str, float] = {}
    for pid, pss_mb in found.items():
        if pss_mb is not None:
            of_programs[names[pid]] = of_programs.get(names[pid], 0.0) + pss_mb * MB
    return of_programs, {pid: mb for pid, mb in found.items() if mb is not None and pid in workers}


class WorkerProcesses:
    """The processes of the workers, whose CPU time is measured from sample to sample."""

    def __init__(self) -> None:
        # By pid and start, with the CPU time and the moment of the last sample.
        self._seen: dict[tuple[int, float], tuple[psutil.Process, float, float]] = {}

    def states(
        self, slots: Sequence[WorkerSlot], pss_mb: Mapping[int, float]
    ) -> tuple[WorkerState, ...]:
        """Return the state of each worker, without those that have ended."""
        seen = {}
        states = []
        for slot in slots:
            try:
                state, seen[_key(slot)] = self._sample(slot, pss_mb.get(slot.pid))
            except psutil.Error:
                continue
            states.append(state)
        self._seen = seen
        return tuple(states)

    def _sample(
        self, slot: WorkerSlot, pss_mb: float | None
    ) -> tuple[WorkerState, tuple[psutil.Process, float, float]]:
        known = self._seen.get(_key(slot))
        # The reader of the slots has compared the process's start with the slot's.
        process = known[0] if known else psutil.Process(slot.pid)
        with process.oneshot():
            times, rss = process.cpu_times(), process.memory_info().rss
        now, cpu_s = time.monotonic(), times.user + times.system
        percent = 0.0
        if known and now > known[2]:
            percent = 100 * (cpu_s - known[1]) / (now - known[2])
        state = WorkerState(
            slot=slot, cpu_percent=round(percent, 1), rss_mb=rss / MB, pss_mb=pss_mb
        )
        return state, (process, cpu_s, now)


def _key(slot: WorkerSlot) -> tuple[int, float]:
    return slot.pid, slot.started_at

"""Replaces workers that exceed a bound, one at a time, each by one that is ready."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psutil

from django_tandem.model import Recycle
from django_tandem.servers.adapters.forked_workers import ForkedKind, ForkedWorker

# Siblings of one age and load must not all be replaced one after the other.
JITTER = 0.1
MEBIBYTE = 2**20
# After a new worker that ended before it served: the next attempt waits twice as long each time.
FIRST_DELAY_S = 5.0
LONGEST_DELAY_S = 300.0
# One large request may reach a new worker before it is measured, but hardly two in succession.
HEAVY_WORKERS = 2


def with_jitter(recycle: Recycle) -> Recycle:
    """Return the bounds of one worker: those of its kind with random differences."""
    factor = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    age_s, requests = round(recycle.age_s * factor), round(recycle.requests * factor)
    return replace(recycle, age_s=age_s, requests=requests)


class Recycling:
    """
    The replacement that is under way: of one worker, in all kinds of a master.

    ``workers`` are the running ones by pid. ``spawn`` starts one more of a kind, and returns its
    pid, or 0 if none can be started now. ``drain`` has one finish and end, and ``log`` writes to
    the log of a kind. ``clock`` returns seconds, as time.monotonic() does.
    """

    def __init__(
        self,
        workers: Callable[[], dict[int, ForkedWorker]],
        spawn: Callable[[ForkedKind], int],
        drain: Callable[[ForkedWorker], None],
        log: Callable[[ForkedKind, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workers, self._spawn, self._drain, self._log = workers, spawn, drain, log
        self._clock = clock
        self._old = self.spare = 0
        # By kind: the delay after the last failure, and the time before which none is tried.
        self._delays: dict[str, float] = {}
        self._not_before: dict[str, float] = {}
        # By kind: how many new workers in succession exceeded the bound for memory.
        self._heavy: Counter[str] = Counter()
        # Workers that were measured when they were new, and those whose replacement is logged.
        self._measured: set[int] = set()
        self._announced: set[int] = set()

    def advance(self) -> None:
        """Do the next step, if there is one."""
        workers = self._workers()
        self._measure_new(workers)
        old, spare = workers.get(self._old), workers.get(self.spare)
        if old is None or spare is None:
            self._old = self.spare = 0
            if old is not None and not old.is_draining:
                self._delay(old.kind)
            self._begin(workers)
        elif spare.report.is_ready and not old.is_draining:
            self._delays.pop(old.kind.name, None)
            self._drain(old)

    def is_spare(self, worker: ForkedWorker) -> bool:
        """Return whether the worker is one more than its kind has, until it replaces another."""
        old = self._workers().get(self._old)
        return worker.pid == self.spare and old is not None and not old.is_draining

    def _begin(self, workers: dict[int, ForkedWorker]) -> None:
        if any(each.is_draining for each in workers.values()):
            return
        for pid, worker in list(workers.items()):
            is_due = self._clock() >= self._not_before.get(worker.kind.name, 0)
            reason = self._exceeded(worker) if is_due and worker.report.is_ready else ""
            spare = self._spawn(worker.kind) if reason else 0
            if spare:
                self._announce(worker, reason)
                self._old, self.spare = pid, spare
                return

    def _announce(self, worker: ForkedWorker, reason: str) -> None:
        self._announced &= self._workers().keys()
        if worker.pid not in self._announced:
            self._announced.add(worker.pid)
            self._log(worker.kind, f"Worker {worker.pid} {reason} and will be replaced.")

    def _delay(self, kind: ForkedKind) -> None:
        delay_s = min(2 * self._delays.get(kind.name, FIRST_DELAY_S / 2), LONGEST_DELAY_S)
        self._delays[kind.name] = delay_s
        self._not_before[kind.name] = self._clock() + delay_s
        self._log(
            kind, f"A new worker ended before it served. The next one starts in {delay_s:g} s."
        )

    def _exceeded(self, worker: ForkedWorker) -> str:
        bounds, age_s = worker.bounds, self._clock() - worker.forked_at
        if bounds.requests and worker.report.requests >= bounds.requests:
            return f"has served {worker.report.requests} requests"
        if bounds.age_s and age_s >= bounds.age_s:
            return f"has run for {age_s:.0f} s"
        has_bound = bounds.memory_bytes and self._heavy[worker.kind.name] < HEAVY_WORKERS
        resident = _resident_bytes(worker.pid) if has_bound else 0
        if has_bound and resident >= bounds.memory_bytes:
            return f"takes {resident // MEBIBYTE} MB"
        return ""

    def _measure_new(self, workers: dict[int, ForkedWorker]) -> None:
        self._measured &= workers.keys()
        for pid, worker in workers.items():
            if worker.report.is_ready and pid not in self._measured:
                self._measured.add(pid)
                self._check_memory(worker)

    def _check_memory(self, new: ForkedWorker) -> None:
        name, bound, resident = new.kind.name, new.bounds.memory_bytes, _resident_bytes(new.pid)
        if resident < bound:
            self._heavy[name] = 0
        elif bound:
            self._heavy[name] += 1
            if self._heavy[name] == HEAVY_WORKERS:
                self._log(
                    new.kind,
                    f"New workers take {resident // MEBIBYTE} MB, so "
                    f'TANDEM["RECYCLE"]["MEMORY"] of {bound // MEBIBYTE} MB is ignored for '
                    f"{name} workers.",
                )


def _resident_bytes(pid: Any) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0

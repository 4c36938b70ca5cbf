"""Replaces workers that exceed a bound, one at a time, each by one that is ready."""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psutil

from django_tandem.model import Recycle
from django_tandem.servers.adapters.forked_workers import ForkedWorker, WorkerKind

# Siblings of one age and load must not all be replaced one after the other.
JITTER = 0.1
MEBIBYTE = 2**20


def drawn(recycle: Recycle) -> Recycle:
    """Return the bounds of one worker: those of its kind with random differences."""
    factor = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    age_s, requests = round(recycle.age_s * factor), round(recycle.requests * factor)
    return replace(recycle, age_s=age_s, requests=requests)


class Recycling:
    """
    The replacement that is under way: of one worker, in all kinds of a master.

    ``workers`` are the running ones by pid. ``spawn`` starts one more of a kind, and returns its
    pid, or 0 if none can be started now. ``drain`` has one finish and end, and ``log`` writes to
    the log of a kind.
    """

    def __init__(
        self,
        workers: Callable[[], dict[int, ForkedWorker]],
        spawn: Callable[[WorkerKind], int],
        drain: Callable[[ForkedWorker], None],
        log: Callable[[WorkerKind, str], None],
    ) -> None:
        self._workers, self._spawn, self._drain, self._log = workers, spawn, drain, log
        self._old = self.spare = 0
        # Kinds whose fresh workers exceed the bound for memory.
        self._without_memory: set[str] = set()

    def advance(self) -> None:
        """Do the next step, if there is one."""
        workers = self._workers()
        if self._old not in workers or self.spare not in workers:
            self._begin(workers)
        elif workers[self.spare].report.is_ready and not workers[self._old].is_draining:
            self._check_memory(workers[self.spare])
            self._drain(workers[self._old])

    def is_spare(self, worker: ForkedWorker) -> bool:
        """Return whether the worker is one more than its kind has, until it replaces another."""
        old = self._workers().get(self._old)
        return worker.pid == self.spare and old is not None and not old.is_draining

    def _begin(self, workers: dict[int, ForkedWorker]) -> None:
        if any(each.is_draining for each in workers.values()):
            return
        self._old = self.spare = 0
        for pid, worker in list(workers.items()):
            reason = self._exceeded(worker) if worker.report.is_ready else ""
            spare = self._spawn(worker.kind) if reason else 0
            if spare:
                self._log(worker.kind, f"Worker {pid} {reason}, and is replaced.")
                self._old, self.spare = pid, spare
                return

    def _exceeded(self, worker: ForkedWorker) -> str:
        bounds, age_s = worker.bounds, time.monotonic() - worker.forked_at
        if bounds.requests and worker.report.requests >= bounds.requests:
            return f"has served {worker.report.requests} requests"
        if bounds.age_s and age_s >= bounds.age_s:
            return f"has run for {age_s:.0f} s"
        has_bound = bounds.memory_bytes and worker.kind.name not in self._without_memory
        resident = _resident_bytes(worker.pid) if has_bound else 0
        if has_bound and resident >= bounds.memory_bytes:
            return f"takes {resident // MEBIBYTE} MB"
        return ""

    def _check_memory(self, fresh: ForkedWorker) -> None:
        bound, resident = fresh.bounds.memory_bytes, _resident_bytes(fresh.pid)
        if bound and resident >= bound and fresh.kind.name not in self._without_memory:
            self._without_memory.add(fresh.kind.name)
            self._log(
                fresh.kind,
                f"A new worker takes {resident // MEBIBYTE} MB, so "
                f'TANDEM["RECYCLE"]["MEMORY"] of {bound // MEBIBYTE} MB replaces no worker.',
            )


def _resident_bytes(pid: Any) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0

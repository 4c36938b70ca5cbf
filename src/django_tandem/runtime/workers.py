"""The workers of a shared master: its child processes, by kind."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from django_tandem.inprocess.worker_process import booting_name, process_name
from django_tandem.model.programs import KINDS, MASTER_MODULE

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

"""The CPU time and memory that processes use, with those below them."""

import contextlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import psutil

from django_tandem.cpu_clocks import process_cpu_s

_MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """
    The CPU time and memory of one program, with all the processes below it.

    ``cpu_s`` includes children that have ended. ``pss_mb`` divides shared pages among the
    processes that share them, ``rss_mb`` counts them for each; ``pss_mb`` is None where the
    kernel does not reveal it.
    """

    cpu_s: float
    rss_mb: float
    pss_mb: float | None


def usages(root: int, leaders: Collection[int]) -> dict[int, Usage]:
    """Return the usage of each of ``leaders``, children of ``root``, without those that ended."""
    families: dict[int, list[psutil.Process]] = {}
    leader_of: dict[int, int] = {}
    # psutil lists a parent before its children.
    for process in _descendants(root):
        leader = process.pid if process.pid in leaders else leader_of.get(_parent(process))
        if leader is not None:
            leader_of[process.pid] = leader
            families.setdefault(leader, []).append(process)
    return {leader: total_usage(map(usage_of, family)) for leader, family in families.items()}


def usage_of_family(root: int) -> Usage:
    """Return the usage of a process with all processes below it."""
    try:
        process = psutil.Process(root)
    except psutil.Error:
        return total_usage(())
    return total_usage(map(usage_of, [process, *_descendants(root)]))


def _descendants(root: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(root).children(recursive=True))
    except psutil.Error:
        return []


def _parent(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return process.ppid()
    return 0


def usage_of(process: psutil.Process) -> Usage:
    """Return the usage of one process without its running children; zero if it has ended."""
    try:
        cpu, rss = process.cpu_times(), process.memory_info().rss
    except psutil.Error:
        # It has ended.
        return Usage(cpu_s=0, rss_mb=0, pss_mb=0)
    own_s = process_cpu_s(process.pid)
    if own_s is None:
        own_s = cpu.user + cpu.system
    return Usage(
        cpu_s=own_s + cpu.children_user + cpu.children_system,
        rss_mb=rss / _MB,
        pss_mb=_pss_mb(process),
    )


def _pss_mb(process: psutil.Process) -> float | None:
    try:
        pss = getattr(process.memory_full_info(), "pss", None)
    except psutil.AccessDenied:
        return None
    except psutil.Error:
        return 0
    return None if pss is None else pss / _MB


def total_usage(parts: Iterable[Usage]) -> Usage:
    """Return the sum of ``parts``."""
    every = list(parts)
    known = [each.pss_mb for each in every if each.pss_mb is not None]
    return Usage(
        cpu_s=sum(each.cpu_s for each in every),
        rss_mb=sum(each.rss_mb for each in every),
        pss_mb=sum(known) if len(known) == len(every) else None,
    )

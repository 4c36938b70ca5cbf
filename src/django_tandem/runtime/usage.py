"""What the programs of a stack take of the machine: CPU time and memory."""

import contextlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import psutil

_MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """
    What one program takes, with all the processes below it.

    ``cpu_s`` counts those of its processes that have ended as well. ``pss_mb`` shares what
    several processes hold in common out among them, ``rss_mb`` counts it for each of them;
    the first is None where the kernel keeps it to itself.
    """

    cpu_s: float
    rss_mb: float
    pss_mb: float | None


def usages(root: int, leaders: Collection[int]) -> dict[int, Usage]:
    """Return what each of ``leaders`` takes, children of ``root``; without those that ended."""
    families: dict[int, list[psutil.Process]] = {}
    leader_of: dict[int, int] = {}
    # In one pass over all processes, in which a parent comes before its children.
    for process in _descendants(root):
        leader = process.pid if process.pid in leaders else leader_of.get(_parent(process))
        if leader is not None:
            leader_of[process.pid] = leader
            families.setdefault(leader, []).append(process)
    return {leader: total(map(of, family)) for leader, family in families.items()}


def _descendants(root: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(root).children(recursive=True))
    except psutil.Error:
        return []


def _parent(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return process.ppid()
    return 0


def of(process: psutil.Process) -> Usage:
    """Return what one process takes, without those below it that run; nothing if it has ended."""
    try:
        cpu, rss = process.cpu_times(), process.memory_info().rss
    except psutil.Error:
        # It has ended meanwhile.
        return Usage(cpu_s=0, rss_mb=0, pss_mb=0)
    return Usage(
        cpu_s=cpu.user + cpu.system + cpu.children_user + cpu.children_system,
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


def total(parts: Iterable[Usage]) -> Usage:
    """Return the sum."""
    every = list(parts)
    known = [each.pss_mb for each in every if each.pss_mb is not None]
    return Usage(
        cpu_s=sum(each.cpu_s for each in every),
        rss_mb=sum(each.rss_mb for each in every),
        pss_mb=sum(known) if len(known) == len(every) else None,
    )

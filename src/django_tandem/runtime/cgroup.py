"""What this process may use: CPUs and memory, by its cgroup where it has one."""

import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
_MB = 1024 * 1024


def cpus(root: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> float:
    """Return the CPUs this process may use: the smallest quota above it, or those it may run on."""
    quotas = [_quota(directory) for directory in _directories(root, own)]
    return min([float(len(os.sched_getaffinity(0))), *(quota for quota in quotas if quota)])


def memory_mb(root: Path = CGROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Return the memory this process may use, in MB: the smallest limit, or the machine's."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [
        _number(directory / name)
        for directory in _directories(root, own)
        for name in ("memory.max", "memory.limit_in_bytes")
    ]
    return int(min([machine, *(limit for limit in limits if limit)]) // _MB)


def _directories(root: Path, own: Path) -> list[Path]:
    """Return each directory that may hold a limit: version 2's own and above, and version 1's."""
    found = [root / "cpu", root / "memory", root]
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        _, controllers, path = line.split(":", 2)
        inside = Path(path.lstrip("/"))
        tops = [root / name for name in controllers.split(",")] if controllers else [root]
        found += [top / part for top in tops for part in (inside, *inside.parents)]
    return found


def _quota(directory: Path) -> float | None:
    try:
        quota, period = (directory / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    quota_us = _number(directory / "cpu.cfs_quota_us")
    period_us = _number(directory / "cpu.cfs_period_us")
    return quota_us / period_us if quota_us and period_us and quota_us > 0 else None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # "max" stands for no limit
        return None

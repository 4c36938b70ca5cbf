"""Processes as the kernel tells of them."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One process that runs, as proc(5) tells."""

    pid: int
    group: int
    session: int
    begun: int
    is_ended: bool


def world() -> str:
    """Return what pids are counted in: this boot of the machine, and this container."""
    # A machine that was started anew, or another container, counts its pids from the start.
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def pids() -> list[int]:
    """Return the pids of all processes; none off Linux."""
    with contextlib.suppress(OSError):
        return [int(path.name) for path in PROC.iterdir() if path.name.isdigit()]
    return []


def look(pid: int) -> Running | None:
    """Return what the kernel says of a process; None if there is none, and off Linux."""
    try:
        # The name in parentheses may hold anything, also a parenthesis.
        told = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    # From the third of proc(5)'s fields on: state, parent, group, session; the 22nd is the start.
    return Running(
        pid=pid,
        group=int(told[2]),
        session=int(told[3]),
        begun=int(told[19]),
        is_ended=told[0] in "ZX",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The process that this one is beside; whether it has ended is asked of the kernel."""

    pid: int

    def is_set(self) -> bool:
        """Return whether it has ended, as of a threading.Event."""
        return os.getppid() != self.pid

"""The process that a pid stands for, verified by its time of creation and PID namespace."""

import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

# Elsewhere the time comes from the clock, which may be adjusted by a little.
COUNTS_FROM_BOOT = sys.platform == "linux"
TOLERANCE_S = 0.0 if COUNTS_FROM_BOOT else 2.0
# 0 is the caller's own process group.
FIRST_PID = 1
# The first process is init, or a container's main process: it is looked at, and gets no signal.
LOWEST_PID = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """
    One process of one machine.

    A pid alone proves nothing: the kernel reuses it, and each PID namespace counts from 1.
    ``created_at`` is as of :func:`created_at`. A ``pid`` of 0 stands for a process that is not
    known.
    """

    pid: int
    created_at: float
    namespace: str

    @property
    def is_verified(self) -> bool:
        """Whether this very process runs, in the PID namespace of the caller."""
        if self.pid < FIRST_PID or self.namespace != own_namespace():
            return False
        found = created_at(self.pid)
        return found is not None and not differ(found, self.created_at)

    @property
    def age_s(self) -> float:
        """For how long it has run, if it does."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME) if COUNTS_FROM_BOOT else time.time()
        return now - self.created_at


UNKNOWN = ProcessIdentity(pid=0, created_at=0.0, namespace="")


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of a process that runs here, None when there is none."""
    created = created_at(pid)
    if created is None:
        return None
    return ProcessIdentity(pid=pid, created_at=created, namespace=own_namespace())


def created_at(pid: int) -> float | None:
    """
    Return when a process was created, None when there is none.

    In seconds since the boot on Linux, where psutil would add the time of the boot, which moves
    whenever the clock is set. Elsewhere in seconds since the epoch.
    """
    try:
        return _ticks(pid) / os.sysconf("SC_CLK_TCK") if COUNTS_FROM_BOOT else _epoch_s(pid)
    except (OSError, psutil.Error):
        return None


def differ(one: float, other: float) -> bool:
    """Return whether two times of :func:`created_at` are those of two processes."""
    return abs(one - other) > TOLERANCE_S


def _ticks(pid: int) -> int:
    # proc_pid_stat(5): the second field, in brackets, may have spaces, and starttime is the 22nd.
    after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2]
    return int(after_name.split()[22 - 3])


def _epoch_s(pid: int) -> float:
    return psutil.Process(pid).create_time()


def own_namespace() -> str:
    """Return what pids are counted in: this boot of the machine, and this PID namespace."""
    if not COUNTS_FROM_BOOT:
        # Other systems have no PID namespaces.
        return f"booted at {psutil.boot_time():.0f}"
    boot = namespace = ""
    # A sandbox or kernel may lack either.
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    with contextlib.suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return f"{boot} {namespace}"


def send_signal(process: ProcessIdentity, number: signal.Signals) -> bool:
    """
    Send a signal to ``process``; return False when it can't be verified.

    Raises PermissionError for another user's process.
    """
    if process.pid < LOWEST_PID:
        return False
    try:
        # The descriptor keeps its process when the pid is reused between proof and signal.
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    except (AttributeError, OSError):
        # Not Linux, or a sandbox without that system call.
        descriptor = None
    try:
        if not process.is_verified:
            return False
        if descriptor is None:
            os.kill(process.pid, number)
        else:
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return True

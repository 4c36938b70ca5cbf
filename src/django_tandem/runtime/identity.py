"""Which process a pid stands for: proved by its time of creation and its PID namespace."""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil

# psutil derives the time of creation from the clock, which may be adjusted by a little.
CLOCK_TOLERANCE_S = 2.0
# 0 is the caller's own process group, and 1 is init or a container's main process.
LOWEST_PID = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """
    One process of one machine.

    A pid alone proves nothing: the kernel reuses it, and each PID namespace counts anew.
    ``created_at`` is in seconds since the epoch. A ``pid`` of 0 stands for a process that is
    not known.
    """

    pid: int
    created_at: float
    namespace: str

    @property
    def is_proved(self) -> bool:
        """Whether this very process runs, in the PID namespace of the caller."""
        if self.pid < LOWEST_PID or self.namespace != own_namespace():
            return False
        with contextlib.suppress(psutil.Error):
            return abs(psutil.Process(self.pid).create_time() - self.created_at) < CLOCK_TOLERANCE_S
        return False


UNKNOWN = ProcessIdentity(pid=0, created_at=0.0, namespace="")


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of a process that runs here, None when there is none."""
    try:
        created_at = psutil.Process(pid).create_time()
    except psutil.Error:
        return None
    return ProcessIdentity(pid=pid, created_at=created_at, namespace=own_namespace())


def own_namespace() -> str:
    """Return what pids are counted in: this boot of the machine, and this PID namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        # Other systems have no PID namespaces.
        return f"booted at {psutil.boot_time():.0f}"


def send_signal(process: ProcessIdentity, number: signal.Signals) -> bool:
    """
    Send a signal to ``process``; return False when it is not proved to run.

    Raises PermissionError for another user's process.
    """
    try:
        # The descriptor keeps its process when the pid is reused between proof and signal.
        descriptor = os.pidfd_open(process.pid) if process.pid >= LOWEST_PID else None
    except ProcessLookupError:
        return False
    except (AttributeError, OSError):
        # Not Linux, or a sandbox without that system call.
        descriptor = None
    try:
        if not process.is_proved:
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

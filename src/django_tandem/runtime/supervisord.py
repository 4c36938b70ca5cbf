"""A running supervisord: whether there is one, and what it is asked over XML-RPC."""

import contextlib
import fcntl
import os
import signal
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from django_tandem.errors import MachineError
from django_tandem.model import Status


def running_pid(run_dir: Path) -> int | None:
    """
    Return the pid of the supervisord that runs in ``run_dir``, or None.

    Raises MachineError when it is for another user to know.
    """
    # supervisord writes its pid file a moment after the plugin took the lock.
    until = time.monotonic() + 5
    while _is_locked(run_dir) and time.monotonic() < until:
        with contextlib.suppress(OSError, ValueError):
            return int((run_dir / "supervisord.pid").read_text())
        time.sleep(0.02)
    return None


def _is_locked(run_dir: Path) -> bool:
    """Whether a supervisord runs: the kernel drops its lock when it dies, however it dies."""
    try:
        handle = os.open(run_dir / "lock", os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError as error:
        raise MachineError(
            f"{run_dir} is another user's.",
            hint='Run tandem as that user, or name another directory in TANDEM["RUN_DIR"].',
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def statuses(run_dir: Path) -> tuple[Status, ...]:
    """Ask supervisord for each of its processes; raises OSError when it does not answer."""
    try:
        listed = _proxy(run_dir).supervisor.getAllProcessInfo()
    except (Error, HTTPException) as error:
        # On its way down it says so, or hangs up.
        raise ConnectionError("supervisord is being stopped") from error
    now = time.time()
    return tuple(
        Status(
            name=each["name"],
            state=each["statename"],
            pid=each["pid"],
            since_s=max(0, int(now - each["start"])) if each["pid"] else 0,
            detail=each["spawnerr"],
        )
        for each in listed
    )


def stop(run_dir: Path, pid: int, *, deadline_s: float) -> bool:
    """
    Have supervisord stop everything, and wait for it to be gone.

    Returns False when it had to be killed, which leaves its children to the kernel.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if _gone(run_dir, deadline_s):
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _gone(run_dir, 5)
    return False


def _gone(run_dir: Path, deadline_s: float) -> bool:
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        if not _is_locked(run_dir):
            return True
        time.sleep(0.05)
    return False


def _proxy(run_dir: Path) -> Any:
    transport = SupervisorTransport("tandem", "tandem", f"unix://{run_dir / 'supervisor.sock'}")
    return ServerProxy("http://127.0.0.1", transport=transport)

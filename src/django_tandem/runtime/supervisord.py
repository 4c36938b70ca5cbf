"""A running supervisord: what it is asked over XML-RPC, and how it is stopped."""

import contextlib
import os
import signal
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from django_tandem.model import Status
from django_tandem.runtime import lock


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
        if lock.holder(run_dir) is None:
            return True
        time.sleep(0.05)
    return False


def _proxy(run_dir: Path) -> Any:
    transport = SupervisorTransport("tandem", "tandem", f"unix://{run_dir / 'supervisor.sock'}")
    return ServerProxy("http://127.0.0.1", transport=transport)

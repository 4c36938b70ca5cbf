"""A running supervisord: what it is asked over XML-RPC, and how it is stopped."""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, Fault, ServerProxy

from supervisor.xmlrpc import Faults, SupervisorTransport

from django_tandem.model import Status
from django_tandem.runtime import lock

POLL_S = 0.05


def statuses(run_dir: Path) -> tuple[Status, ...]:
    """Ask supervisord for each of its processes; raises OSError when it does not answer."""
    listed = _call(run_dir, "supervisor.getAllProcessInfo")
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


def restarts(run_dir: Path) -> dict[str, int]:
    """Ask how often each program died and was started again; those are left out that never did."""
    return dict(_call(run_dir, "restarts.counts"))


def start(run_dir: Path, programs: Sequence[str]) -> None:
    """Have supervisord start programs that it has not known so far, as they were rendered."""
    if programs:
        _call(run_dir, "generations.start", list(programs))


def end(run_dir: Path, program: str, within_s: int) -> bool:
    """Have a program stopped, which is killed after ``within_s``; return whether it has ended."""
    return bool(_call(run_dir, "generations.end", program, within_s))


def wait_for_end(run_dir: Path, program: str, within_s: int) -> None:
    """Have a program stopped and forgotten, and return when it is."""
    while not end(run_dir, program, within_s):
        time.sleep(POLL_S)


def sweep(run_dir: Path) -> None:
    """Have supervisord see to the end of what no longer serves."""
    _call(run_dir, "generations.sweep")


def signal_program(run_dir: Path, program: str, name: str) -> None:
    """Send a program the signal of that name."""
    _call(run_dir, "supervisor.signalProcess", program, name)


def pid_of(run_dir: Path, program: str) -> int | None:
    """Return the pid of a program, None when it does not run."""
    found = (each.pid for each in statuses(run_dir) if each.name == program)
    return next(found, 0) or None


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
        time.sleep(POLL_S)
    return False


def _call(run_dir: Path, method: str, *arguments: object) -> Any:
    transport = SupervisorTransport("tandem", "tandem", f"unix://{run_dir / 'supervisor.sock'}")
    proxy = ServerProxy("http://127.0.0.1", transport=transport)
    try:
        return getattr(proxy, method)(*arguments)
    except Fault as fault:
        if fault.faultCode == Faults.SHUTDOWN_STATE:
            raise ConnectionError("supervisord is being stopped") from fault
        raise
    except (Error, HTTPException) as error:
        # On its way down it hangs up.
        raise ConnectionError("supervisord is being stopped") from error
    finally:
        transport.close()

"""
The processes that a killed supervisord left running: recorded when started, ended by the next.

Each program leads a process group. The group's number counts only as long as its leader's
time of creation and its session prove that it is the recorded one.
"""

import contextlib
import json
import os
import signal
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from django_tandem.atomic_files import replace_file
from django_tandem.errors import MachineError
from django_tandem.model.stop import DEFAULT_STOP_S, end_s
from django_tandem.runtime.identity import (
    LOWEST_PID,
    TOLERANCE_S,
    created_at,
    differ,
    own_namespace,
)
from django_tandem.runtime.waiting import Report, wait_until

NAME = "started.json"
# Not their STOP_S: they have been stopping since their supervisord died, and the site is down.
END_S = end_s(DEFAULT_STOP_S)
# SIGKILL takes effect as soon as the kernel schedules the process.
KILLED_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """
    One program as it was started.

    ``pid`` is its process group as well, ``session`` that of its supervisord; ``created_at``
    is as of :func:`identity.created_at`.
    """

    program: str
    pid: int
    session: int
    created_at: float


def describe(program: str, pid: int) -> Started | None:
    """Return the record of a program that was just started, None when it has ended already."""
    created = created_at(pid)
    with contextlib.suppress(ProcessLookupError):
        session = os.getsid(pid)
        if created is not None:
            return Started(program=program, pid=pid, session=session, created_at=created)
    return None


def record(run_dir: Path, started: Iterable[Started]) -> None:
    """Replace the record of what runs."""
    kept = {"namespace": own_namespace(), "started": [asdict(each) for each in started]}
    replace_file(run_dir / NAME, json.dumps(kept))


def forget(run_dir: Path) -> None:
    """Remove the record: nothing runs any more."""
    (run_dir / NAME).unlink(missing_ok=True)


def find(run_dir: Path) -> list[Started]:
    """Return which recorded programs still run, or left processes of their group."""
    started = _read(run_dir)
    return _living(started) if started else []


def end_orphans(run_dir: Path, report: Report, *, within_s: float = END_S) -> bool:
    """
    End what outlived the supervisord of ``run_dir``; return whether there was anything.

    Only for the holder of the lock: the programs of a running supervisord are no orphans.
    They get ``within_s`` before SIGKILL. Raises MachineError when one can't be ended.
    """
    found = find(run_dir)
    if found:
        names = ", ".join(f"{each.program} ({each.pid})" for each in found)
        report(f"Ending the processes of a supervisord that was killed: {names}.")
    for each in found:
        _terminate(each)
    for each in _wait(found, within_s):
        _send(each, signal.SIGKILL, to_group=True)
    still = _wait(found, KILLED_S)
    if still:
        pid = still[0].pid
        raise MachineError(
            f"{still[0].program} runs in process group {pid}, and can't be ended.",
            hint=f"See it with `ps -g {pid}`, and end it as the user it runs as.",
        )
    forget(run_dir)
    return bool(found)


def _terminate(started: Started) -> None:
    # A leader that runs stops its own workers, each at the right time.
    has_leader = any(each.pid == started.pid for each in _members(started))
    _send(started, signal.SIGTERM, to_group=not has_leader)


def _send(started: Started, number: signal.Signals, *, to_group: bool) -> None:
    # It may have ended just now; another user's is reported at the end.
    with contextlib.suppress(OSError):
        (os.killpg if to_group else os.kill)(started.pid, number)


def _wait(started: list[Started], within_s: float) -> list[Started]:
    wait_until(lambda: not _living(started), within_s)
    return _living(started)


def _living(started: list[Started]) -> list[Started]:
    return [each for each in started if _members(each)]


def _members(started: Started) -> list[psutil.Process]:
    """Return the processes of its group that run; none when the pid belongs to another by now."""
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            created = created_at(process.pid)
            if created is None:
                continue
            # The kernel reuses no pid as long as its group has a member.
            if process.pid == started.pid and differ(created, started.created_at):
                return []
            if (
                os.getpgid(process.pid) == started.pid
                and os.getsid(process.pid) == started.session
                and created >= started.created_at - TOLERANCE_S
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                members.append(process)
    return members


def _read(run_dir: Path) -> list[Started]:
    try:
        kept = json.loads((run_dir / NAME).read_text())
        if kept["namespace"] != own_namespace():
            return []
        started = [Started(**each) for each in kept["started"]]
    # A file that tandem did not write names no process to end.
    except (OSError, ValueError, TypeError, KeyError):
        return []
    return [each for each in started if each.pid >= LOWEST_PID]

"""
What a supervisord started, kept on disk, so that what outlives it can be ended.

Each program leads a process group of its own. A pid alone proves nothing, for it may have gone
to another process since: only with the time at which it began does it say who is meant.
"""

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from django_tandem.errors import MachineError
from django_tandem.runtime import proc
from django_tandem.runtime.proc import Running
from django_tandem.runtime.telling import Say
from django_tandem.runtime.waiting import wait_until

NAME = "started.json"
# A stop gives the requests in flight 8 s and each program 9 s.
END_S = 9
# What is killed is gone as soon as the kernel comes round to it.
KILLED_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """
    One program as it was started.

    ``pid`` is its process group as well, ``session`` that of the supervisord it began in;
    ``begun`` is the kernel's own time of its start, in ticks since the machine's.
    """

    program: str
    pid: int
    session: int
    begun: int


def describe(program: str, pid: int) -> Started | None:
    """Return what is to be kept of a program that was just started; None off Linux."""
    found = proc.look(pid)
    if found is None:
        return None
    return Started(program=program, pid=pid, session=found.session, begun=found.begun)


def keep(run_dir: Path, started: Iterable[Started]) -> None:
    """Write down what runs, in the place of what was written before."""
    new = run_dir / f"{NAME}.new"
    # Whole or not at all: a kill may come at any moment.
    new.write_text(
        json.dumps({"world": proc.world(), "started": [asdict(each) for each in started]})
    )
    new.replace(run_dir / NAME)


def forget(run_dir: Path) -> None:
    """Remove what was kept: nothing runs any more."""
    (run_dir / NAME).unlink(missing_ok=True)


def left(run_dir: Path) -> list[Started]:
    """Return which programs kept in ``run_dir`` still run, or left processes of theirs."""
    started = _read(run_dir)
    return _living(started) if started else []


def end(run_dir: Path, say: Say, *, within_s: float = END_S) -> bool:
    """
    End what outlived the supervisord of ``run_dir``; return whether there was anything.

    To be called by who holds the lock, for what runs below a supervisord is no orphan.
    ``within_s`` is what it gets before it is killed. Raises MachineError when it can't be ended.
    """
    found = left(run_dir)
    if found:
        names = ", ".join(f"{each.program} ({each.pid})" for each in found)
        say(f"Ending what a supervisord that was killed left running: {names}.")
    for each in found:
        _tell(each)
    if _wait(found, within_s):
        for each in _living(found):
            _send(os.killpg, each.pid, signal.SIGKILL)
    still = _wait(found, KILLED_S)
    if still:
        pid = still[0].pid
        raise MachineError(
            f"{still[0].program} runs in process group {pid}, and can't be ended.",
            hint=f"Look at it with `ps -g {pid}`, and end it as the user it runs as.",
        )
    forget(run_dir)
    return bool(found)


def _tell(started: Started) -> None:
    leader = proc.look(started.pid)
    if leader is None or leader.is_ended:
        _send(os.killpg, started.pid, signal.SIGTERM)
    else:
        # It tells the others itself, each when its time has come.
        _send(os.kill, started.pid, signal.SIGTERM)


def _send(by: Callable[[int, int], None], pid: int, what: signal.Signals) -> None:
    # It may just have gone, and what is another user's is told of in the end.
    with contextlib.suppress(OSError):
        by(pid, what)


def _wait(started: list[Started], within_s: float) -> list[Started]:
    wait_until(lambda: not _living(started), within_s)
    return _living(started)


def _living(started: list[Started]) -> list[Started]:
    if not started:
        return []
    running = [found for pid in proc.pids() if (found := proc.look(pid))]
    return [each for each in started if _is_left(each, running)]


def _is_left(started: Started, running: list[Running]) -> bool:
    leader = next((each for each in running if each.pid == started.pid), None)
    if leader is not None and leader.begun != started.begun:
        # The kernel gives no pid to another while its group lives.
        return False
    return any(
        each.group == started.pid
        and each.session == started.session
        and each.begun >= started.begun
        and not each.is_ended
        for each in running
    )


def _read(run_dir: Path) -> list[Started]:
    try:
        kept = json.loads((run_dir / NAME).read_text())
        is_ours = kept["world"] == proc.world()
        return [Started(**each) for each in kept["started"]] if is_ours else []
    # Whatever was not written by us names nothing that may be killed.
    except (OSError, ValueError, TypeError, KeyError):
        return []

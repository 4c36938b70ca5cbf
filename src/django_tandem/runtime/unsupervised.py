"""A stack of one program without supervisord: its status, and its stop."""

import os
import signal
import time
from pathlib import Path

import psutil

from django_tandem.errors import RefusedError
from django_tandem.inprocess import generation_files
from django_tandem.model import DrainMode, Status, programs
from django_tandem.model.programs import generation_of
from django_tandem.model.state import STOPPING_FILE, State
from django_tandem.runtime import lock
from django_tandem.runtime.identity import ProcessIdentity
from django_tandem.runtime.waiting import wait_until

RUNNING = "RUNNING"


def statuses(run_dir: Path, state: State) -> tuple[Status, ...]:
    """Return the status of the one program; none once it has ended."""
    holder = lock.holder_identity(run_dir)
    if holder is None:
        return ()
    (process,) = state.processes
    age_s = max(0, int(holder.age_s)) if holder.is_verified else 0
    return (Status(name=process.program, state=RUNNING, pid=holder.pid, since_s=age_s),)


def restarts(run_dir: Path, state: State) -> dict[str, int]:
    """Return how many workers of the one program were replaced, if some were."""
    (process,) = state.processes
    found = sum(generation_files.read_restarts(run_dir, generation_of(process.program)).values())
    return {process.program: found} if found else {}


def send(holder: ProcessIdentity, number: signal.Signals) -> bool:
    """Send a signal to the one program, also where it is process 1; return whether it was."""
    if not holder.is_verified:
        return False
    os.kill(holder.pid, number)
    return True


def stop_program(run_dir: Path, state: State, *, deadline_s: float) -> None:
    """
    Have the one program stop, and wait until it has ended.

    Raises RefusedError where it is out of reach, or does not end.
    """
    (process,) = state.processes
    holder = lock.holder_identity(run_dir)
    if holder is None:
        return
    is_edge = process.name == programs.NGINX
    if is_edge and holder.is_verified:
        _end_delay_of_edge(run_dir, state.stop_delay_s)
    if not send(holder, signal.Signals[f"SIG{process.stop_signal}"]):
        raise RefusedError(
            f"{process.program} runs in {run_dir}, and its pid can't be verified on this host.",
            hint="It may run in another container: stop that container.",
        )
    if not wait_until(lambda: lock.holder(run_dir) is None, deadline_s):
        raise RefusedError(
            f"{process.program} with pid {holder.pid} did not end in time.",
            hint="The container runtime kills it after its grace period.",
        )


def _end_delay_of_edge(run_dir: Path, delay_s: int) -> None:
    # NGINX itself has no delay: its probe fails as soon as the file is there.
    (run_dir / STOPPING_FILE).touch(mode=0o600)
    time.sleep(delay_s)


def refuse_drain(mode: DrainMode | None) -> None:
    """Raise RefusedError for a drain of one stop, which only supervisord can have changed."""
    if mode is not None:
        raise RefusedError(
            f"`--drain {mode}` is for a stack with supervisord, and one program runs here.",
            hint='Set TANDEM["DRAIN"], and start a new container.',
        )


def refuse_reload(run_dir: Path, state: State) -> None:
    """Raise RefusedError where a stack can't be reloaded: one without supervisord."""
    if not state.is_supervised:
        raise RefusedError(
            f"{state.processes[0].program} runs in {run_dir} without supervisord, so it "
            "can't be reloaded.",
            hint="Start a new container, and stop this one once the new one is ready.",
        )


class UnsupervisedProgram:
    """The one program, as the probes of its companion see it."""

    is_shut_down = False
    loop_age_s = None

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def uptime_s(self, _program: str) -> float | None:
        """Return for how long it has run, None if it does not."""
        if not self._process.is_running():
            return None
        return max(0.0, time.time() - self._process.create_time())

"""Plan → a running supervisord, in the foreground or detached."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import psutil

from django_tandem import pipeline
from django_tandem.errors import MachineError
from django_tandem.inprocess import shared_memory, startup_failures
from django_tandem.model import Plan
from django_tandem.model.state import STOPPING_FILE, planned_state
from django_tandem.model.stop import command_s
from django_tandem.runtime import (
    early_signals,
    lock,
    logs,
    orphans,
    preflight,
    privileges,
    run_dir,
    supervisord,
)
from django_tandem.runtime.agents import without_agents
from django_tandem.runtime.announce import announce
from django_tandem.runtime.identity import identify
from django_tandem.runtime.run_dir import remove_leftovers
from django_tandem.runtime.state import FAILED_FILE
from django_tandem.runtime.waiting import report
from django_tandem.settings import Settings

# The project may have a package called supervisor, or an argparse.py that root would run: the
# working directory is not searched.
PYTHON = (sys.executable, "-P")
# supervisord's own; the programs have others.
LOG_FILE = "supervisord.log"


def prepare(plan: Plan, settings: Settings) -> int:
    """
    Write what ``plan`` needs to run, once no check fails.

    Returns the descriptor of the run directory's lock, which was taken before the first
    write. Raises MachineError or RefusedError, and then nothing has been started.
    """
    directory = Path(plan.run_dir)
    with run_dir.require_space(directory):
        run_dir.prepare(directory)
        run_dir.require_free_bytes(directory)
        handle = _take_lock(directory)
        orphans.end_orphans(directory, report)
        preflight.require_all(plan, settings)
        # The leftovers of a stack that was killed; none runs here now.
        remove_leftovers(directory)
        shared_memory.remove_abandoned_files()
        for name in (FAILED_FILE, STOPPING_FILE):
            (directory / name).unlink(missing_ok=True)
        logs.mark_start(directory)
        startup_failures.clear_startup_failures(directory)
        run_dir.prepare_temp_dir(plan)
        pipeline.write(pipeline.render(plan), directory)
        preflight.refuse_bad_edge(plan, directory)
    return handle


def _take_lock(directory: Path) -> int:
    try:
        return lock.take(directory)
    except MachineError:
        if supervisord.is_stopping(directory):
            raise MachineError(
                f"The stack in {directory} is stopping.",
                hint="Start it again once it has stopped; `tandem down` waits for that.",
            ) from None
        raise


def replace_process(
    arguments: Sequence[str], *, python: str = sys.executable, **variables: str
) -> NoReturn:
    """
    Become ``python -P -m django_tandem`` with ``arguments``, as though it had been called first.

    With the environment that this process was started in, and ``variables``: the project may
    have changed its own since, by a .env that no reload could replace.
    """
    argv = [python, *PYTHON[1:], "-m", "django_tandem", *arguments]
    os.execve(python, argv, {**psutil.Process().environ(), **variables})  # noqa: S606


def in_foreground(
    directory: Path, handle: int, timeout_s: float, watched: Sequence[str] | None = None
) -> NoReturn:
    """
    Become supervisord: this process runs nothing of the project, and a signal needs no relay.

    Beside it a short-lived process reports when the stack is ready, and stops it when it is not
    within ``timeout_s``. With ``watched``, the last arguments of `runtime.watch`, another process
    reloads it. Does not return.
    """
    with privileges.port_binding_withheld():
        _beside("announce", str(directory), str(timeout_s), variables=without_agents(os.environ))
        if watched is not None:
            # It starts `tandem reload`, whose settings may read any variable.
            _beside("watch", str(os.getpid()), str(directory), *watched)
    sys.stdout.flush()
    sys.stderr.flush()
    os.set_inheritable(handle, True)
    os.environ[lock.VARIABLE] = str(handle)
    # The directory of this release may be deleted after a reload.
    os.chdir(directory)
    early_signals.block_signals()
    os.execv(sys.executable, _supervisord(directory))  # noqa: S606


def launched(
    directory: Path, handle: int, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start supervisord in a new session, and pass it the lock's ``handle``."""
    with (directory / LOG_FILE).open("ab") as log:
        started = subprocess.Popen(
            _supervisord(directory),
            cwd=directory,
            env={**environment, lock.VARIABLE: str(handle)},
            pass_fds=(handle,),
            stdin=subprocess.DEVNULL,
            # Each program writes to its own log file.
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    os.close(handle)
    return started


def detached(plan: Plan, directory: Path, handle: int, timeout_s: float) -> bool:
    """Start supervisord in its own session; return whether the stack is ready ``timeout_s``."""
    log = directory / LOG_FILE
    old_bytes = log.stat().st_size if log.exists() else 0
    started = launched(directory, handle, os.environ)
    failed = announce(planned_state(plan), directory, lambda: started.poll() is None, timeout_s)
    if failed is not None and started.poll() is None:
        supervisord.stop_stack(
            directory, deadline_s=command_s(plan.stop_s), started=identify(started.pid)
        )
    elif failed is not None and failed.process is None:
        # It ended before it could serve anything, and only its log has the reason.
        for line in log.read_bytes()[old_bytes:].decode(errors="replace").splitlines():
            report(f"  {line}")
    return failed is None


def _beside(module: str, *arguments: str, variables: Mapping[str, str] | None = None) -> None:
    subprocess.Popen(
        [*PYTHON, "-m", f"django_tandem.runtime.{module}", *arguments],
        env=variables,
        stdin=subprocess.DEVNULL,
    )


def _supervisord(directory: Path) -> list[str]:
    config = str(directory / "supervisord.conf")
    # What warns in supervisor's own code is an error with PYTHONWARNINGS=error. The programs keep
    # the variable.
    return [*PYTHON, "-W", "ignore", "-m", "supervisor.supervisord", "-n", "-c", config]

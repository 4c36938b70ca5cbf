"""
What the plugin starts in addition to supervisord's programs, at most one process of each.

The drainer, which drains and stops old generations (runtime/drain.py); the program that watches
shifts; and the command that starts advised ones.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from supervisor.states import SupervisorStates

from django_tandem import priority
from django_tandem.errors import MachineError, RefusedError
from django_tandem.runtime import candidates, lock, shifts
from django_tandem.runtime.agents import without_agents
from django_tandem.runtime.logs import log_path
from django_tandem.runtime.project_commands import command, environment_of
from django_tandem.runtime.reconcile import compare
from django_tandem.runtime.state import live_python, read_state
from django_tandem.runtime.supervisor.event_loop import SelfPipe
from django_tandem.runtime.supervisor.log_multiplexer import LogMultiplexer

DRAINER = "django_tandem.runtime.drain"
# Its imports take as much CPU as the first requests of the new workers, which come before it.
DELAY_S = 0.5
WATCHER = "django_tandem.shift"
# The log of both programs for shifts.
LOG = "shift"
# The advice is made from hours of requests, and the project is loaded for it.
ADVISE_EVERY_S = 3600.0


class Drainer:
    """The drainer's process, for as long as there is something to drain."""

    def __init__(self, supervisord: Any, run_dir: Path, self_pipe: SelfPipe) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        self._self_pipe = self_pipe
        self._process: subprocess.Popen[bytes] | None = None

    def start_soon(self) -> None:
        """Drain the old generations once the new one has had its first requests."""
        self._self_pipe.call_later(DELAY_S, self.start)

    def start(self) -> None:
        """Drain the old generations, in another process, unless one drains already."""
        if self._supervisord.options.mood < SupervisorStates.RUNNING or _runs(self._process):
            return
        self._process = subprocess.Popen(
            [*_nice(), live_python(self._run_dir), "-P", "-m", DRAINER, str(self._run_dir)],
            # supervisord's own directory may have been deleted, as that of an old release.
            cwd=self._run_dir,
            env=without_agents(os.environ),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def start_if_abandoned(self) -> None:
        """Drain what a reload that was killed has left: old programs, or an unfinished commit."""
        try:
            now = compare(self._run_dir, tuple(self._supervisord.process_groups))
        except MachineError:
            # A damaged state: every command reports it, and the programs keep running.
            return
        if now is None or lock.holder(self._run_dir, lock.RELOAD) is not None:
            return
        is_settled = not candidates.is_proposed(self._run_dir)
        is_settled = is_settled and not candidates.is_unfinished(self._run_dir)
        if not now.is_empty or not is_settled:
            self.start()


def _nice() -> tuple[str, ...]:
    # The new workers serve at the same time. A program, because another thread may hold a lock as
    # subprocess forks.
    nice = shutil.which("nice")
    return (nice, "-n", str(priority.NICENESS)) if nice else ()


class ShiftPrograms:
    """The watcher and the command of advised shifts, for as long as there is something to do."""

    def __init__(self, run_dir: Path, output: LogMultiplexer) -> None:
        self._run_dir = run_dir
        self._output = output
        self._watcher: subprocess.Popen[bytes] | None = None
        self._advised: subprocess.Popen[bytes] | None = None
        self._advised_at = time.monotonic()

    def tick(self) -> None:
        """Start what is missing."""
        if shifts.needs_program(self._run_dir):
            self.watch()
        if time.monotonic() - self._advised_at >= ADVISE_EVERY_S:
            self._advised_at = time.monotonic()
            self._start_advised()

    def watch(self) -> bool:
        """Watch the shifts, in another process; return whether one was started."""
        if _runs(self._watcher):
            return False
        # Not with a higher niceness: it rolls back a route that fails, also under load.
        argv = [live_python(self._run_dir), "-P", "-m", WATCHER, str(self._run_dir)]
        self._watcher = self._popen(argv, str(self._run_dir), without_agents(os.environ))
        return True

    def _start_advised(self) -> None:
        try:
            state = read_state(self._run_dir)
            if state is None or not state.shifts_by_itself or _runs(self._advised):
                return
            argv, directory = command(state, "shift", "--auto")
        except (MachineError, RefusedError):
            # A damaged state, or nothing of the project runs here.
            return
        self._advised = self._popen(argv, directory, environment_of(state))

    def _popen(
        self, argv: list[str], directory: str, variables: dict[str, str]
    ) -> "subprocess.Popen[bytes]":
        self._output.add(LOG)
        with log_path(self._run_dir, LOG).open("ab") as log:
            return subprocess.Popen(
                argv,
                cwd=directory,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def _runs(process: "subprocess.Popen[bytes] | None") -> bool:
    return process is not None and process.poll() is None

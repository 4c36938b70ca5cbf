"""The programs for shifts: the one that watches them, and the command that starts advised ones."""

import os
import subprocess
import time
from pathlib import Path

from django_tandem.errors import MachineError, RefusedError
from django_tandem.runtime import shifts
from django_tandem.runtime.agents import without_agents
from django_tandem.runtime.logs import log_path
from django_tandem.runtime.project_commands import command, environment_of
from django_tandem.runtime.state import live_python, read_state
from django_tandem.runtime.supervisor.log_multiplexer import LogMultiplexer

WATCHER = "django_tandem.shift"
# The log of both.
LOG = "shift"
# The advice is made from hours of requests, and the project is loaded for it.
ADVISE_EVERY_S = 3600.0


class ShiftPrograms:
    """At most one of each, for as long as there is something to do."""

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

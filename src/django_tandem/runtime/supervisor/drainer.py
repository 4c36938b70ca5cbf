"""The drainer: the program that drains and stops old generations (runtime/drain.py)."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from supervisor.states import SupervisorStates

from django_tandem import priority
from django_tandem.errors import MachineError
from django_tandem.runtime import candidates, lock
from django_tandem.runtime.agents import without_agents
from django_tandem.runtime.reconcile import compare
from django_tandem.runtime.state import live_python
from django_tandem.runtime.supervisor.event_loop import SelfPipe

DRAINER = "django_tandem.runtime.drain"
# Its imports take as much CPU as the first requests of the new workers, which come before it.
DELAY_S = 0.5


class Drainer:
    """At most one process, for as long as there is something to drain."""

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
        if self._supervisord.options.mood < SupervisorStates.RUNNING or self._is_draining():
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

    def _is_draining(self) -> bool:
        return self._process is not None and self._process.poll() is None


def _nice() -> tuple[str, ...]:
    # The new workers serve beside it. A program, because another thread may hold a lock as
    # subprocess forks.
    nice = shutil.which("nice")
    return (nice, "-n", str(priority.NICENESS)) if nice else ()

"""The end of a stack that does not come up: everything is stopped, with exit code 1."""

import atexit
import os
import sys
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.states import SupervisorStates

from django_tandem.runtime import orphans
from django_tandem.runtime.sockets import clean
from django_tandem.runtime.state import FAILED_FILE, read_state
from django_tandem.runtime.supervisor.guard import subscribe
from django_tandem.runtime.supervisor.lines import tell, why


class Failure:
    """What follows when supervisord gives up a program."""

    def __init__(self, supervisord: Any, run_dir: Path) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        subscribe(events.ProcessStateFatalEvent, self._give_up)

    def _give_up(self, event: Any) -> None:
        name = event.process.config.name
        if self._supervisord.options.mood < SupervisorStates.RUNNING or not self._is_first(name):
            # A candidate that failed is told by the reload that started it; and what waited to
            # be started again when all was stopped has failed nobody.
            return
        # Whole or not at all: somebody waits for it.
        new = self._run_dir / f"{FAILED_FILE}.new"
        new.write_text(f"{name}\n{why(event.process)}")
        new.replace(self._run_dir / FAILED_FILE)
        tell(f"{name} can't be kept up: everything is stopped")
        # supervisord itself always ends with 0. Registered last and so run first, but for
        # what must still be removed.
        atexit.register(_exit_with_failure, self._run_dir)
        self._supervisord.options.mood = SupervisorStates.SHUTDOWN

    def _is_first(self, program: str) -> bool:
        # Only at the start of a stack is there nothing that could go on serving.
        state = read_state(self._run_dir)
        return state is None or (
            state.generation == 1 and any(program == each.program for each in state.processes)
        )


def _exit_with_failure(run_dir: Path) -> None:
    clean(run_dir)
    orphans.forget(run_dir)
    sys.stdout.flush()
    os._exit(1)

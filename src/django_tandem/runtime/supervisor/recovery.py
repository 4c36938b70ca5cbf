"""How soon a program that died is started again, and how often."""

import time
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.states import SupervisorStates

from django_tandem.runtime.state import READY_FILE, read_state
from django_tandem.runtime.supervisor.guard import subscribe
from django_tandem.runtime.supervisor.wake import Wake

# A program that fails as soon as it is started must not take a CPU for itself.
PERIOD_S = 2.0


class Recovery:
    """
    Starts again at once what has run before, and never gives it up.

    supervisord gives up a program that fails four times within seconds. Of one that has never
    run that says it can't; of one that has, or that has answered when the stack was started or
    reloaded, only that something is away which may come back.
    """

    def __init__(self, run_dir: Path, wake: Wake) -> None:
        self._run_dir = run_dir
        self._wake = wake
        self._has_run: set[str] = set()
        # Of a stack that was killed; nothing of this one has answered yet.
        (run_dir / READY_FILE).unlink(missing_ok=True)
        subscribe(events.ProcessStateRunningEvent, self._remember)
        subscribe(events.ProcessStateExitedEvent, self._hurry)
        subscribe(events.ProcessStateBackoffEvent, self._relent)

    def _remember(self, event: Any) -> None:
        self._has_run.add(event.process.config.name)

    def _is_kept(self, program: str) -> bool:
        if program in self._has_run:
            return True
        state = read_state(self._run_dir)
        if state is None or all(program != each.program for each in state.processes):
            return False
        return state.generation > 1 or (self._run_dir / READY_FILE).exists()

    def _hurry(self, _event: Any) -> None:
        # supervisord starts it in its next round, for which it would wait up to a second.
        self._wake.at_once()

    def _relent(self, event: Any) -> None:
        process = event.process
        is_stopping = process.config.options.mood < SupervisorStates.RUNNING
        if is_stopping or not self._is_kept(process.config.name):
            return
        # One that was killed right after its start is no worse than one killed later.
        process.delay = 0 if process.backoff == 1 else process.laststart + PERIOD_S
        process.backoff = min(process.backoff, process.config.startretries)
        self._wake.after(max(0.01, process.delay - time.time()), self._wake.at_once)

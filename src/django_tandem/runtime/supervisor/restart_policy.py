"""
When a program that ended is restarted, and when it is given up.

A program of a stack that never answered is given up after a few attempts, and ends the whole
stack with exit code 1; one that can't load the project, at the first. One that has answered is
restarted forever: its backing service may be unavailable, and the rest of the site keeps serving.
"""

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.states import ProcessStates, SupervisorStates

from django_tandem.atomic_files import replace_file
from django_tandem.errors import MachineError
from django_tandem.inprocess import startup_failures
from django_tandem.model.programs import is_optional
from django_tandem.model.state import State
from django_tandem.runtime.line_blocks import ERROR, WARNING
from django_tandem.runtime.state import FAILED_FILE, READY_FILE, read_state
from django_tandem.runtime.supervisor.event_loop import SelfPipe, subscribe
from django_tandem.runtime.supervisor.log_multiplexer import LogMultiplexer

# A program that fails as soon as it is started must not use a CPU for itself.
PERIOD_S = 2.0
# A program that ran for this long has answered, even if that was not recorded.
LONG_S = 120.0
# What supervisord writes of a program that it could execute.
TOO_QUICKLY = "Exited too quickly"
# The states from which supervisord itself restarts a program.
DEAD = (ProcessStates.EXITED, ProcessStates.BACKOFF)


class RestartPolicy:
    """The exits of each program, and what follows from them."""

    def __init__(
        self, supervisord: Any, run_dir: Path, self_pipe: SelfPipe, output: LogMultiplexer
    ) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        self._self_pipe = self_pipe
        self._output = output
        # supervisord forgets the exit code of a program that ended soon after its start.
        self._waitpid: Callable[[], tuple[int, int]] = supervisord.options.waitpid
        supervisord.options.waitpid = self._reap
        self._wait_status = 0
        self._restarts: Counter[str] = Counter()
        # Exits after supervisord's startsecs of programs that have not answered yet.
        self._slow_failures: Counter[str] = Counter()
        self.has_failed = False
        self._damage = ""
        self._last_state: State | None = None
        self._state()
        # Left by a stack that was killed; no program of this one has answered yet.
        (run_dir / READY_FILE).unlink(missing_ok=True)
        subscribe(events.ProcessStateStartingEvent, self._count)
        subscribe(events.ProcessGroupRemovedEvent, self._forget)
        subscribe(events.ProcessStateExitedEvent, self._on_exited)
        subscribe(events.ProcessStateBackoffEvent, self._on_backoff)
        subscribe(events.ProcessStateFatalEvent, self._on_fatal)

    def restarts(self) -> dict[str, int]:
        """Return how often each program was restarted, without those that never were."""
        return dict(self._restarts)

    def give_up(self, program: str, because: str) -> None:
        """Stop the whole stack, to end with exit code 1."""
        if self._is_stopping():
            return
        # On a full disk the stack ends without.
        with contextlib.suppress(OSError):
            replace_file(self._run_dir / FAILED_FILE, f"{program}\n{because}")
        self._output.print_line(f"{program} failed to start: stopping the stack", ERROR)
        self.has_failed = True
        self._supervisord.options.mood = SupervisorStates.SHUTDOWN
        self._self_pipe.wake()

    def _reap(self) -> tuple[int, int]:
        # Each event of an exit follows the call that found it.
        pid, status = self._waitpid()
        if pid:
            self._wait_status = status
        return pid, status

    def _count(self, event: Any) -> None:
        if event.from_state in DEAD:
            self._restarts[event.process.config.name] += 1

    def _forget(self, event: Any) -> None:
        for counter in (self._restarts, self._slow_failures):
            counter.pop(str(event.group), None)

    def _on_exited(self, event: Any) -> None:
        process = event.process
        name = process.config.name
        if self._gave_up_at_once(name):
            return
        how = _how(process)
        if (
            is_optional(name)
            or not self._is_in_first_start(name)
            or time.time() - process.laststart > LONG_S
        ):
            self._slow_failures.pop(name, None)
        else:
            self._slow_failures[name] += 1
        if self._slow_failures[name] > process.config.startretries:
            self.give_up(name, f"it {how} each time, some seconds after its start")
        elif not (event.expected or self._is_stopping()):
            self._output.print_line(f"{name} {how}; restarting it", WARNING)
        # supervisord restarts it in its next round, for which it would wait up to a second.
        self._self_pipe.wake()

    def _on_backoff(self, event: Any) -> None:
        process = event.process
        if str(process.spawnerr or "").startswith(TOO_QUICKLY):
            # Also for `tandem status`, and for the reload that started the program.
            process.spawnerr = f"it {_ended(self._wait_status)}"
        self._output.print_line(f"{process.config.name} failed to start: {process.spawnerr}", ERROR)
        name = process.config.name
        if self._gave_up_at_once(name):
            return
        if self._is_stopping() or not (self._has_answered(name) or is_optional(name)):
            return
        self._reset_backoff(process)

    def _gave_up_at_once(self, name: str) -> bool:
        # The next attempt would fail alike.
        if not startup_failures.read_startup_failure(self._run_dir, name):
            return False
        if self._is_stopping() or not self._is_in_first_start(name):
            return False
        self.give_up(name, startup_failures.CANNOT_LOAD)
        return True

    def _reset_backoff(self, process: Any) -> None:
        # The first failure is restarted at once: it may have been killed right after its start.
        process.delay = 0 if process.backoff == 1 else process.laststart + PERIOD_S
        process.backoff = min(process.backoff, process.config.startretries)
        self._self_pipe.call_later(max(0.01, process.delay - time.time()), self._self_pipe.wake)

    def _on_fatal(self, event: Any) -> None:
        name = event.process.config.name
        # The reload that started a candidate reports its failure, and the live generation stays.
        if self._is_in_first_start(name) or self._state() is None:
            self.give_up(name, str(event.process.spawnerr))

    def _state(self) -> State | None:
        # The last one, while the file is damaged; that is printed once, not at each exit.
        try:
            self._last_state = read_state(self._run_dir)
            self._damage = ""
        except MachineError as error:
            if error.message != self._damage:
                self._output.print_line(error.message, ERROR)
            self._damage = error.message
        return self._last_state

    def _is_in_first_start(self, program: str) -> bool:
        state = self._state()
        if state is None or state.generation > 1 or (self._run_dir / READY_FILE).exists():
            return False
        return any(program == each.program for each in state.processes)

    def _has_answered(self, program: str) -> bool:
        state = self._state()
        if state is None or all(program != each.program for each in state.processes):
            return False
        return state.generation > 1 or (self._run_dir / READY_FILE).exists()

    def _is_stopping(self) -> bool:
        return bool(self._supervisord.options.mood < SupervisorStates.RUNNING)


def _ended(wait_status: int) -> str:
    """Return how a program ended that supervisord does not count as started."""
    code = os.waitstatus_to_exitcode(wait_status)
    if code < 0:
        return f"was killed by {signal.Signals(-code).name} right after its start"
    more = "" if code else ", and a program has to keep running"
    return f"exited with code {code} right after its start{more}"


def _how(process: Any) -> str:
    status = process.exitstatus
    return "was killed by a signal" if status in (None, -1) else f"exited with code {status}"

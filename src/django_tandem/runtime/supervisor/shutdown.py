"""The stop of a whole stack: WebSockets are closed, and requests in flight finished, within 9 s."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.states import SupervisorStates

from django_tandem.inprocess import drain_window
from django_tandem.model import programs
from django_tandem.model.programs import generation_of, listeners
from django_tandem.runtime import early_signals
from django_tandem.runtime.state import STOPPING_FILE
from django_tandem.runtime.supervisor.event_loop import SelfPipe, subscribe
from django_tandem.runtime.supervisor.log_multiplexer import LogMultiplexer

# WebSockets and event streams are closed at random within it.
WINDOW_S = 1.0
# By then the drain has closed all it could: the server closes the rest in its own way.
SERVERS_AT_S = 2.0
# NGINX is killed at 9 s, and must have passed on the last responses.
LATEST_S = 8.0
# Stopped last, by supervisord's own order: the others use it while they stop.
STOPS_LAST = programs.VALKEY


class Shutdown:
    """The signals that stop a stack, and its stop."""

    def __init__(
        self,
        supervisord: Any,
        run_dir: Path,
        self_pipe: SelfPipe,
        output: LogMultiplexer,
        has_failed: Callable[[], bool],
    ) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        self._self_pipe = self_pipe
        self._output = output
        self._has_failed = has_failed
        self._since = 0.0
        # Read before supervisord sets its own handlers: nohup has it ignored.
        self._ignores_hangup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        subscribe(events.SupervisorRunningEvent, self._take_signals)
        subscribe(events.SupervisorStoppingEvent, self._begin)

    def kill_all(self, *_signal: Any) -> None:
        """Kill the process group of each program that runs."""
        for group in self._groups().values():
            for process in group.processes.values():
                if process.pid:
                    with contextlib.suppress(OSError):
                        os.killpg(process.pid, signal.SIGKILL)

    def _take_signals(self, _event: Any) -> None:
        # supervisord would restart itself on SIGHUP, which a terminal sends when it closes.
        signal.signal(signal.SIGHUP, signal.SIG_IGN if self._ignores_hangup else self._stop)
        # Before a program is started, which would inherit the mask.
        if early_signals.release():
            self._stop()

    def _stop(self, *_signal: Any) -> None:
        self._supervisord.options.mood = SupervisorStates.SHUTDOWN

    def _begin(self, _event: Any) -> None:
        """Stop what can be stopped at once, and have the WebSockets closed."""
        # First of all: a load balancer is to send nothing more. On a full disk the stop goes on.
        with contextlib.suppress(OSError):
            (self._run_dir / STOPPING_FILE).touch(mode=0o600)
        # Only Ctrl-C: an orchestrator may well send SIGTERM twice, and means the same by it.
        signal.signal(signal.SIGINT, self.kill_all)
        # A stack that never came up has no requests, and nobody pressed Ctrl-C.
        if not self._has_failed():
            self._output.print_line(
                "stopping: requests in flight are finished; Ctrl-C again stops at once"
            )
        self._since = time.monotonic()
        for generation in {generation_of(name) for name in self._groups()} - {0}:
            # A program that can't be drained is still stopped.
            with contextlib.suppress(OSError):
                drain_window.write(self._run_dir, generation, WINDOW_S)
        # supervisord would stop one program after the other, and their times would add up.
        for name, group in self._groups().items():
            if name != STOPS_LAST and not listeners(name):
                group.stop_all()
        # NGINX ends when its last connection has. The rest of an upload needs servers that
        # listen, and some servers cut their WebSockets on SIGTERM: so they are stopped later.
        subscribe(events.ProcessStateStoppedEvent, self._on_stopped)
        self._self_pipe.call_later(SERVERS_AT_S, self._stop_servers)

    def _on_stopped(self, event: Any) -> None:
        self._self_pipe.wake()
        if event.process.config.name == programs.NGINX:
            self._stop_servers()

    def _stop_servers(self) -> None:
        # The time spent so far counts: everything is to end at the same moment.
        left_s = max(1.0, LATEST_S - (time.monotonic() - self._since))
        for name, group in self._groups().items():
            if not listeners(name):
                continue
            for process in group.get_unstopped_processes():
                process.config.stopwaitsecs = min(left_s, process.config.stopwaitsecs)
            group.stop_all()
        # Otherwise supervisord might look at its clock a second late.
        self._self_pipe.call_later(left_s, self._self_pipe.wake)

    def _groups(self) -> dict[str, Any]:
        return dict(self._supervisord.process_groups)

"""
The stop of a whole stack, at the moments of its StopBudget.

It is marked, still serves for a delay, and then refuses connections: requests in flight finish,
WebSockets and streams are closed over a window, and the servers end.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.states import ProcessStates, SupervisorStates

from django_tandem.errors import MachineError
from django_tandem.inprocess import drain_window
from django_tandem.model import DrainMode, StopBudget, programs, stop_budget
from django_tandem.model.programs import RETIRE_CHANNELS, generation_of, is_master, socket_names
from django_tandem.model.state import STOPPING_FILE
from django_tandem.model.stop import DEFAULT_STOP_S
from django_tandem.runtime import early_signals
from django_tandem.runtime.links import are_bound
from django_tandem.runtime.state import READY_FILE, read_state
from django_tandem.runtime.supervisor.event_loop import SelfPipe, subscribe
from django_tandem.runtime.supervisor.log_multiplexer import LogMultiplexer

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
        # How connections end, instead of by the settings; `tandem down --drain` sets it.
        self.drain: DrainMode | None = None
        self._since = 0.0
        self._is_interactive = False
        self._budget: StopBudget = stop_budget(DEFAULT_STOP_S)
        self._in_order: list[Any] = []
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
        signal.signal(signal.SIGINT, self._interrupt)
        # Sent to a server that it has reopen its logs, and by default the end. A handler, since a
        # program would inherit that a signal is ignored.
        signal.signal(signal.SIGUSR1, lambda *_: None)
        # Before a program is started, which would inherit the mask.
        if early_signals.unblock_signals():
            self._stop()

    def _stop(self, *_signal: Any) -> None:
        self._supervisord.options.mood = SupervisorStates.SHUTDOWN

    def _interrupt(self, *_signal: Any) -> None:
        self._is_interactive = True
        self._stop()

    def _begin(self, _event: Any) -> None:
        """Mark the stop, and refuse connections after the delay."""
        # First of all: a load balancer is to send nothing more. On a full disk the stop continues.
        with contextlib.suppress(OSError):
            (self._run_dir / STOPPING_FILE).touch(mode=0o600)
        self._since = time.monotonic()
        # Only Ctrl-C: an orchestrator may well send SIGTERM twice, and means the same by it.
        signal.signal(signal.SIGINT, self.kill_all)
        self._budget = self._read_budget()
        # A stack that never became ready has no requests, and nobody pressed Ctrl-C.
        if not self._has_failed():
            self._output.print_line(self._announcement())
        if not self._budget.refuse_at_s:
            self._refuse()
            return
        # supervisord would begin to stop its programs, the edge first.
        self._in_order = self._supervisord.stop_groups
        self._supervisord.stop_groups = []
        self._self_pipe.call_later(self._left_s(self._budget.refuse_at_s), self._end_delay)

    def _announcement(self) -> str:
        """Return the line that says what the stop does, and for how long at most."""
        if self._is_interactive:
            return "stopping: requests in flight are finished; Ctrl-C again stops at once"
        return self._budget.announcement

    def _read_budget(self) -> StopBudget:
        state = None
        with contextlib.suppress(MachineError):
            state = read_state(self._run_dir)
        stop_s, delay_s = (state.stop_s, state.stop_delay_s) if state else (DEFAULT_STOP_S, 0)
        # A stack that never became ready gets no connections from a load balancer.
        return stop_budget(
            stop_s,
            delay_s if self._may_have_served() else 0,
            is_interactive=self._is_interactive or self._has_failed(),
        )

    def _may_have_served(self) -> bool:
        # A server that listened may be restarting; plain supervisord writes no such file.
        return (self._run_dir / READY_FILE).exists() or are_bound(self._run_dir)

    def _end_delay(self) -> None:
        self._supervisord.stop_groups = self._in_order
        self._refuse()

    def _refuse(self) -> None:
        """Stop the edge and all programs without a socket; close WebSockets and streams."""
        for generation in {generation_of(name) for name in self._groups()} - {0}:
            # A program that can't be drained is still stopped.
            with contextlib.suppress(OSError):
                drain_window.write(self._run_dir, generation, self._budget.window_s, self.drain)
        self._retire_channels()
        # supervisord would stop one program after the other, and their times would add up.
        for name in self._groups():
            if name == programs.NGINX:
                self._stop_group(name, self._budget.edge_end_s)
            elif name not in (STOPS_LAST, programs.MONITOR) and not socket_names(name):
                self._stop_group(name, self._budget.servers_end_s)
        # NGINX ends when its last connection has. The rest of an upload needs servers that
        # listen, and some servers cut their WebSockets on SIGTERM: so they are stopped later.
        subscribe(events.ProcessStateStoppedEvent, self._on_stopped)
        servers_s = self._left_s(self._budget.servers_at_s)
        self._self_pipe.call_later(servers_s, self._stop_servers)

    def _retire_channels(self) -> None:
        """Have the Channels workers of a master finish, which itself stops with the servers."""
        for name, group in self._groups().items():
            for process in group.processes.values() if is_master(name) else ():
                if process.pid:
                    with contextlib.suppress(OSError):
                        os.kill(process.pid, signal.Signals[f"SIG{RETIRE_CHANNELS}"])

    def _on_stopped(self, event: Any) -> None:
        self._self_pipe.wake()
        if event.process.config.name == programs.NGINX:
            self._stop_servers()

    def _stop_servers(self) -> None:
        # The monitor too, after the last lines of the edge.
        for name in self._groups():
            if socket_names(name) or name == programs.MONITOR:
                self._stop_group(name, self._budget.servers_end_s)

    def _stop_group(self, name: str, end_s: float) -> None:
        """Stop a program, which has until ``end_s`` of the stop at most."""
        left_s = self._left_s(end_s)
        group = self._groups()[name]
        for process in group.get_unstopped_processes():
            process.config.stopwaitsecs = min(left_s, process.config.stopwaitsecs)
            # stop_all() skips what a reload is stopping, which would keep its later deadline.
            if process.state == ProcessStates.STOPPING:
                process.delay = min(process.delay, time.time() + left_s)
        group.stop_all()
        # Otherwise supervisord might look at its clock a second late.
        self._self_pipe.call_later(left_s, self._self_pipe.wake)

    def _left_s(self, at_s: float) -> float:
        # The time spent so far counts: everything is to end at the same moment.
        return max(0.0, at_s - (time.monotonic() - self._since))

    def _groups(self) -> dict[str, Any]:
        return dict(self._supervisord.process_groups)

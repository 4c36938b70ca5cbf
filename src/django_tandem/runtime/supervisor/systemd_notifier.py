"""The messages to systemd of a stack that runs as a unit with ``Type=notify``."""

import os
import time
from pathlib import Path

from supervisor import events

from django_tandem.errors import MachineError
from django_tandem.inprocess import sd_notify
from django_tandem.model.state import State
from django_tandem.runtime import lock
from django_tandem.runtime.state import read_state
from django_tandem.runtime.supervisor.event_loop import SelfPipe, subscribe


class SystemdNotifier:
    """
    Notifies systemd of the start, the reloads and the stop of one stack.

    supervisord is the main process of the unit, so that ``NotifyAccess=main`` is enough: what
    `tandem up` and `tandem reload` know reaches it over XML-RPC.
    """

    def __init__(self, run_dir: Path, self_pipe: SelfPipe) -> None:
        self._run_dir = run_dir
        self._self_pipe = self_pipe
        self._address = os.environ.get(sd_notify.SOCKET, "")
        self._interval_s = sd_notify.watchdog_interval_s(os.environ)
        # The generation that was live when the reload in progress began; None without a reload.
        self._reloading_from: int | None = None
        self._send("STATUS=Starting")
        if self._address and self._interval_s:
            self._keep_alive()
        subscribe(events.SupervisorStoppingEvent, self._on_stopping)

    def ready(self) -> None:
        """Report that all programs of the first generation have passed their health check."""
        self._send("READY=1", f"STATUS={self._live()}")

    def begin_reload(self) -> None:
        """Report that a reload has begun, with the time by systemd's own clock."""
        state = self._state()
        self._reloading_from = state.generation if state else 0
        now_usec = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        status = f"STATUS={self._live()}; a reload is in progress"
        self._send("RELOADING=1", f"MONOTONIC_USEC={now_usec}", status)

    def end_reload(self) -> None:
        """Report that the reload in progress has ended, and whether it was refused."""
        if self._reloading_from is None:
            return
        state = self._state()
        is_refused = state is not None and state.generation == self._reloading_from
        self._reloading_from = None
        refused = "; the last reload was refused" if is_refused else ""
        self._send("READY=1", f"STATUS={self._live()}{refused}")

    def end_killed_reload(self) -> None:
        """Report the end of a reload that was killed, and holds its lock no longer."""
        if self._reloading_from is not None and lock.holder(self._run_dir, lock.RELOAD) is None:
            self.end_reload()

    def _on_stopping(self, _event: object) -> None:
        state = self._state()
        within = f", within {state.stop_s} s" if state else ""
        self._send("STOPPING=1", f"STATUS=Stopping{within}")

    def _keep_alive(self) -> None:
        # In supervisord's loop: one that hangs sends nothing.
        self._send("WATCHDOG=1")
        self._self_pipe.call_later(self._interval_s, self._keep_alive)

    def _live(self) -> str:
        state = self._state()
        if state is None:
            return "Live"
        stacks = {stack.upper() for process in state.processes for stack in process.stacks}
        # A host without an edge has no URL, and one with the edge and workers has no stack.
        served = " and ".join(sorted(stacks, reverse=True)) or ", ".join(
            process.program for process in state.processes
        )
        at = f" at {state.url}" if state.url else ""
        return f"Generation {state.generation} is live: {served}{at}"

    def _state(self) -> State | None:
        try:
            return read_state(self._run_dir)
        except MachineError:
            # A damaged state: every command reports it, and the stack keeps running.
            return None

    def _send(self, *assignments: str) -> None:
        sd_notify.send(self._address, *assignments)

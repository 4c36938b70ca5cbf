"""The stop of everything: WebSockets are told, and what is in flight is finished, within 9 s."""

import contextlib
import time
from pathlib import Path
from typing import Any

from supervisor import events

from django_tandem.inprocess import drain_window
from django_tandem.model import Stack
from django_tandem.runtime.edge import EDGE
from django_tandem.runtime.reconcile import generation_of
from django_tandem.runtime.supervisor.guard import subscribe
from django_tandem.runtime.supervisor.wake import Wake

# In which WebSockets and event streams are closed, spread.
WINDOW_S = 1.0
# By then each is closed that can be: what still reads is told by the server in its own way.
TOLD_S = 2.0
# The edge is killed at 9 s, and must have passed on what came before.
LATEST_S = 8.0
# Stopped last, by supervisord's own order: the others still speak to it while they stop.
STOPS_LAST = "valkey"


class Ending:
    """One stop, from the word to stop until everything has ended."""

    def __init__(self, supervisord: Any, run_dir: Path, wake: Wake) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        self._wake = wake
        self._since = 0.0

    def begin(self) -> None:
        """Stop all that can be stopped at once, and have the WebSockets closed."""
        self._since = time.monotonic()
        for generation in {generation_of(name) for name in self._groups()} - {0}:
            # What can't be told is still stopped.
            with contextlib.suppress(OSError):
                drain_window.start_drain(self._run_dir, generation, WINDOW_S)
        # On its own supervisord stops one program after the other, and the waits add up.
        for name, group in self._groups().items():
            if name != STOPS_LAST and not _is_server(name):
                group.stop_all()
        # The edge ends when the last connection has. What it still takes in, such as the rest of
        # an upload, is for servers that listen; and some cut their WebSockets when they are told
        # to stop. So they are told afterwards.
        subscribe(events.ProcessStateStoppedEvent, self._follow)
        self._wake.after(TOLD_S, self._stop_servers)

    def _follow(self, event: Any) -> None:
        self._wake.at_once()
        if event.process.config.name == EDGE:
            self._stop_servers()

    def _stop_servers(self) -> None:
        # What it waited counts: all is to be over at the same moment.
        left_s = max(1.0, LATEST_S - (time.monotonic() - self._since))
        for name, group in self._groups().items():
            if not _is_server(name):
                continue
            for process in group.get_unstopped_processes():
                process.config.stopwaitsecs = min(left_s, process.config.stopwaitsecs)
            group.stop_all()
        # Otherwise supervisord might look at its clock a second too late.
        self._wake.after(left_s, self._wake.at_once)

    def _groups(self) -> dict[str, Any]:
        return dict(self._supervisord.process_groups)


def _is_server(program: str) -> bool:
    return program.rpartition("-")[0] in set(Stack)

"""What supervisord starts: told to end when it dies, and written down in case one does not."""

import ctypes
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisor import events

from django_tandem.runtime import orphans
from django_tandem.runtime.orphans import Started
from django_tandem.runtime.supervisor.guard import subscribe

# From linux/prctl.h: the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG = 1

Prctl = Callable[[int, int], int]


class Children:
    """The programs that run below one supervisord."""

    def __init__(self, supervisord: Any, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._started: dict[str, Started] = {}
        self._starting: Any = None
        # Looked up here, for between fork and exec there is no safe place to do it.
        self._prctl = _prctl()
        self._fork: Callable[[], int] = supervisord.options.fork
        supervisord.options.fork = self._fork_and_note
        subscribe(events.ProcessStateStartingEvent, self._expect)

    def forget(self, program: str) -> None:
        """Strike a program off of which nothing runs any more."""
        if self._started.pop(program, None):
            self._keep()

    def _expect(self, event: Any) -> None:
        # supervisord forks right after this event, and tells of the pid in none.
        self._starting = event.process.config

    def _fork_and_note(self) -> int:
        parent = os.getpid()
        pid = self._fork()
        if pid == 0:
            self._die_with(parent)
        else:
            self._note(pid)
        return pid

    def _die_with(self, parent: int) -> None:
        # Its own signal to stop: what is in flight is finished, and nothing new comes in.
        if self._prctl is not None:
            self._prctl(PR_SET_PDEATHSIG, self._starting.stopsignal)
        # It may have died just before, and then nothing would ever tell.
        if os.getppid() != parent:
            os._exit(1)

    def _note(self, pid: int) -> None:
        program = self._starting.name
        started = orphans.describe(program, pid)
        if started is not None:
            self._started[program] = started
            self._keep()

    def _keep(self) -> None:
        # supervisord would take it for a fork that failed, and start the program once more.
        try:
            orphans.record(self._run_dir, self._started.values())
        except OSError:
            traceback.print_exc()


def _prctl() -> Prctl | None:
    if sys.platform != "linux":
        return None
    try:
        found = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    found.argtypes = (ctypes.c_int, ctypes.c_ulong)
    return found

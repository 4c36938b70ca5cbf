"""The programs below supervisord: their logs, variables, record, and end with supervisord."""

import contextlib
import os
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from supervisor import events

from django_tandem import environment
from django_tandem.errors import MachineError, SettingError
from django_tandem.model import programs
from django_tandem.runtime import early_signals, orphans
from django_tandem.runtime.agents import without_agents
from django_tandem.runtime.logs import log_path
from django_tandem.runtime.orphans import Started
from django_tandem.runtime.privileges import (
    AMBIENT_LOWER,
    NET_BIND_SERVICE,
    PR_CAP_AMBIENT,
    find_prctl,
)
from django_tandem.runtime.supervisor.environments import Environments
from django_tandem.runtime.supervisor.event_loop import subscribe

# From linux/prctl.h: the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG = 1
# They listen on no port below 1024, and need no right to: code of the project, Valkey, the monitor.
ON_SOCKETS = frozenset({*programs.KINDS, programs.MASTER, programs.MONITOR, programs.VALKEY})
# systemd means them for the process that it started: Gunicorn would say that the stack is ready.
OF_SYSTEMD = frozenset(
    {
        *("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"),
        *("LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"),
    }
)


class Children:
    """
    The programs that run below one supervisord.

    supervisord forks in one place, ``options.fork``, which is replaced.
    """

    def __init__(self, supervisord: Any, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._started: dict[str, Started] = {}
        self._starting: Any = None
        self._environments = Environments()
        self._variables: dict[str, str] = {}
        self._failure = ""
        # Looked up here: between fork and exec it would not be safe.
        self._prctl = find_prctl()
        self._options = supervisord.options
        self._fork: Callable[[], int] = supervisord.options.fork
        supervisord.options.fork = self._fork_child
        subscribe(events.ProcessStateStartingEvent, self._on_starting)

    def forget(self, program: str) -> None:
        """Remove a program that has ended from the record."""
        if self._started.pop(program, None):
            self._write_record()

    def _on_starting(self, event: Any) -> None:
        # supervisord forks right after this event, and no event has the new pid.
        self._starting = event.process
        self._failure = ""
        try:
            self._variables = self._environments.variables_of(event.process.config)
        except (MachineError, SettingError) as error:
            self._failure = f"{error}\n"

    def _fork_child(self) -> int:
        parent = os.getpid()
        pid = early_signals.fork_unhandled(self._fork)
        if pid == 0:
            self._prepare_child(parent)
        else:
            self._record(pid)
        return pid

    def _prepare_child(self, parent: int) -> None:
        # An exception that left the child would make it a second supervisord: spawn() takes one
        # for a failed fork, and its own messages on a full disk raise before the child's exit.
        try:
            self._options.write = _write_if_possible
            self._log_to_file()
            self._end_with(parent)
            self._set_variables()
        except BaseException:  # noqa: BLE001 - the process ends
            try:
                self._write(traceback.format_exc())
            finally:
                os._exit(1)

    def _end_with(self, parent: int) -> None:
        # Its own stop signal: it finishes the requests in flight and accepts no more.
        if self._prctl is not None:
            self._prctl(PR_SET_PDEATHSIG, self._starting.config.stopsignal, 0, 0, 0)
            if self._starting.config.name.partition("-")[0] in ON_SOCKETS:
                self._prctl(PR_CAP_AMBIENT, AMBIENT_LOWER, NET_BIND_SERVICE, 0, 0)
        # The parent may have died just before, and then no signal would come.
        if os.getppid() != parent:
            os._exit(1)

    def _log_to_file(self) -> None:
        # Past supervisord: in a pipe, each program would block once supervisord stops reading.
        # supervisord duplicates the pipe's end to stdout and stderr right after this.
        try:
            log = os.open(
                log_path(self._run_dir, self._starting.config.name),
                os.O_WRONLY | os.O_APPEND | os.O_CREAT,
                0o600,
            )
        except OSError:
            # On a full disk the pipe is still better than no program.
            return
        os.dup2(log, self._starting.pipes["child_stdout"])
        os.close(log)

    def _set_variables(self) -> None:
        # supervisord copies the environment right after this, and adds that of the program.
        if self._failure:
            self._write(self._failure)
            os._exit(1)
        os.environ.update(self._variables)
        for name in unwanted(self._starting.config.name, os.environ):
            del os.environ[name]
        if self._starting.config.name == programs.MONITOR:
            variables = without_agents(os.environ)
            os.environ.clear()
            os.environ.update(variables)

    def _write(self, text: str) -> None:
        _write_if_possible(self._starting.pipes["child_stdout"], text)

    def _record(self, pid: int) -> None:
        started = orphans.describe(self._starting.config.name, pid)
        if started is not None:
            self._started[started.program] = started
            self._write_record()

    def _write_record(self) -> None:
        # supervisord would take an exception for a failed fork, and start the program again.
        try:
            orphans.record(self._run_dir, self._started.values())
        except OSError:
            traceback.print_exc()


def unwanted(program: str, names: Iterable[str]) -> list[str]:
    """Return which of the environment's ``names`` the program is not to have."""
    is_server = program.partition("-")[0] in ON_SOCKETS
    return [
        name
        for name in names
        if name in OF_SYSTEMD or (is_server and name.startswith(environment.OF_SERVERS))
    ]


def _write_if_possible(descriptor: int, text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(descriptor, text.encode(errors="backslashreplace"))

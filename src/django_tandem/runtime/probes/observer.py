"""What the probes see of a running stack: supervisord's memory, the run directory, the servers."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from supervisor.states import ProcessStates, SupervisorStates

from django_tandem.errors import MachineError
from django_tandem.inprocess import master_heartbeat
from django_tandem.inprocess.readiness import MIGRATIONS_PATH, MIGRATIONS_UNREAD, READY_PATH
from django_tandem.model import Process, Stack, programs
from django_tandem.model.state import STATE_FILE, State
from django_tandem.runtime.health import EDGE_PATH
from django_tandem.runtime.probes import report, server_check
from django_tandem.runtime.probes.report import Check, Outcome, ServerHealth, StackHealth
from django_tandem.runtime.probes.server_check import ServerCheck
from django_tandem.runtime.state import READY_FILE, STOPPING_FILE, read_state

# A probe of Kubernetes times out after a second.
CHECK_S = 0.5
RUNNING = (ProcessStates.STARTING, ProcessStates.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedServer:
    """A server of the live generation, its program, and for how long it may be busy."""

    name: str
    program: str
    check: ServerCheck
    patience_s: float


class Observer:
    """
    One running stack, observed from a thread in its supervisord.

    ``loop_ran_at`` returns when supervisord's loop has last run, on the monotonic clock.
    """

    def __init__(self, supervisord: Any, run_dir: Path, loop_ran_at: Callable[[], float]) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        self._loop_ran_at = loop_ran_at
        self._state: State | None = None
        self._state_version: tuple[int, int] | None = None
        self._servers: tuple[CheckedServer, ...] = ()
        # The check of the migrations, by a WSGI server; None once they are applied, or ignored.
        self._migrations: ServerCheck | None = None
        self._is_started = False

    async def observe(self) -> StackHealth:
        """Return what is known after CHECK_S at most; what has just answered gets no request."""
        self._read_state()
        if not self._is_stopping():
            await self._check()
        # Read again: what a stop that has begun meanwhile ends has not failed.
        is_stopping = self._is_stopping()
        servers = tuple(map(self._health_of, self._servers))
        self._is_started = self._is_started or self._has_started(servers)
        generation = self._state.generation if self._state else 0
        return StackHealth(
            is_started=self._is_started,
            is_stopping=is_stopping,
            loop_age_s=time.monotonic() - self._loop_ran_at(),
            master_age_s=master_heartbeat.age_s(self._run_dir, generation),
            servers=servers,
            migrations=self._check_migrations(),
        )

    async def _check(self) -> None:
        every = [each.check for each in self._servers]
        if self._migrations is not None:
            every.append(self._migrations)
        await asyncio.gather(*(each.run(CHECK_S) for each in every))

    def _read_state(self) -> None:
        """Read the state if it has changed: a reload has committed another generation."""
        try:
            found = (self._run_dir / STATE_FILE).stat()
            version = found.st_ino, found.st_mtime_ns
            if version == self._state_version:
                return
            state = read_state(self._run_dir)
        except (OSError, MachineError):
            # While it is damaged, what it held before still runs.
            return
        self._state, self._state_version = state, version
        for each in self._servers:
            each.check.close()
        self._servers = tuple(_servers(state)) if state else ()
        self._migrations = _migrations(state) if state else None

    def _is_stopping(self) -> bool:
        is_shut_down = self._supervisord.options.mood < SupervisorStates.RUNNING
        return bool(is_shut_down) or (self._run_dir / STOPPING_FILE).exists()

    def _has_started(self, servers: tuple[ServerHealth, ...]) -> bool:
        if self._state is None:
            return False
        # `tandem up` writes the file; without it, as under plain supervisord, an answer counts.
        is_live = self._state.generation > 1 or (self._run_dir / READY_FILE).exists()
        return is_live or (bool(servers) and report.all_answer(servers))

    def _health_of(self, server: CheckedServer) -> ServerHealth:
        return ServerHealth(
            name=server.name,
            uptime_s=self._uptime_s(server.program),
            unanswered_s=server.check.unanswered_s,
            is_listening=server.check.is_listening,
            patience_s=server.patience_s,
            failing_s=server.check.failing_s,
            status=server.check.answer.status if server.check.answer else HTTPStatus.OK,
        )

    def _uptime_s(self, program: str) -> float | None:
        # Another thread's: each look-up finds the program, or it has just been removed.
        group = self._supervisord.process_groups.get(program)
        process = group.processes.get(program) if group else None
        if process is None or process.get_state() not in RUNNING:
            return None
        return max(0.0, time.time() - float(process.laststart))

    def _check_migrations(self) -> Check | None:
        if self._state is None or not self._state.checks_migrations:
            return None
        check = Check(name="migrations")
        if self._migrations is None:
            return check
        answer = self._migrations.answer
        reason = _reason(answer.body) if answer else MIGRATIONS_UNREAD
        if not reason:
            # Until the next generation, they stay applied.
            self._migrations.close()
            self._migrations = None
            return check
        return Check(name="migrations", outcome=Outcome.FAIL, reason=reason)


def _servers(state: State) -> Iterator[CheckedServer]:
    for process in state.processes:
        if process.name == programs.NGINX:
            yield CheckedServer(
                name=process.name,
                program=process.program,
                check=server_check.of_edge(state, EDGE_PATH),
                patience_s=report.EDGE_BUSY_S,
            )
        for stack, path in _sockets(process):
            yield CheckedServer(
                name=stack.value,
                program=process.program,
                check=server_check.of_socket(path, READY_PATH),
                patience_s=state.timeout_s,
            )


def _migrations(state: State) -> ServerCheck | None:
    every = [each for process in state.processes for each in _sockets(process)]
    path = dict(every).get(Stack.WSGI) if state.checks_migrations else None
    return server_check.of_socket(path, MIGRATIONS_PATH) if path else None


def _sockets(process: Process) -> list[tuple[Stack, str]]:
    return [(kind.stack, kind.socket) for kind in process.kinds if kind.stack and kind.socket]


def _reason(body: bytes) -> str:
    """Return why the migrations are not known to be applied; empty if they are."""
    try:
        return str(json.loads(body)["reason"])
    except (ValueError, TypeError, KeyError):
        return MIGRATIONS_UNREAD

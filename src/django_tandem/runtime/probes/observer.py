"""What the probes see of a running stack: its programs, the run directory, the servers."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from django_tandem import environment
from django_tandem.inprocess import generation_files
from django_tandem.model import Stack, WorkerKind, programs
from django_tandem.model.peers import SECRET_HEADER
from django_tandem.model.readiness import MIGRATIONS_PATH, MIGRATIONS_UNREAD, READY_PATH
from django_tandem.model.state import STOPPING_FILE, State
from django_tandem.runtime.health import EDGE_PATH
from django_tandem.runtime.probes import report, server_check
from django_tandem.runtime.probes.report import Check, Outcome, ServerHealth, StackHealth
from django_tandem.runtime.probes.server_check import ServerCheck
from django_tandem.runtime.state import READY_FILE, WatchedState

# A probe of Kubernetes times out after a second.
CHECK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedServer:
    """A server of the live generation, its program, and for how long it may be busy."""

    name: str
    program: str
    check: ServerCheck
    patience_s: float


class Programs(Protocol):
    """The programs of a stack, below supervisord or without it."""

    @property
    def is_shut_down(self) -> bool:
        """Whether a stop has begun."""

    @property
    def loop_age_s(self) -> float | None:
        """The time since supervisord's loop has run, None without it."""

    def uptime_s(self, program: str) -> float | None:
        """Return for how long a program has run, None if it does not."""


class StackObserver:
    """One running stack, observed from a thread in its supervisord, or from its companion."""

    def __init__(self, programs_: Programs, run_dir: Path) -> None:
        self._programs = programs_
        self._run_dir = run_dir
        self._state: State | None = None
        self._watched_state = WatchedState(run_dir)
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
            loop_age_s=self._programs.loop_age_s,
            master_age_s=generation_files.heartbeat_age_s(self._run_dir, generation),
            servers=servers,
            migrations=self._check_migrations(),
        )

    async def _check(self) -> None:
        every = [each.check for each in self._servers]
        if self._migrations is not None:
            every.append(self._migrations)
        await asyncio.gather(*(each.run(CHECK_S) for each in every))

    def _read_state(self) -> None:
        state = self._watched_state.read_if_changed()
        if state is None:
            return
        self._state = state
        for each in self._servers:
            each.check.close()
        self._servers = tuple(_servers(state))
        self._migrations = _migrations(state)

    def _is_stopping(self) -> bool:
        return self._programs.is_shut_down or (self._run_dir / STOPPING_FILE).exists()

    def _has_started(self, servers: tuple[ServerHealth, ...]) -> bool:
        if self._state is None:
            return False
        # `tandem up` writes the file; without it, as under plain supervisord, an answer counts.
        is_live = self._state.generation > 1 or (self._run_dir / READY_FILE).exists()
        if is_live or servers:
            return is_live or report.all_answer(servers)
        return not self._state.is_supervised and self._runs_all(self._state)

    def _runs_all(self, state: State) -> bool:
        # A worker serves no request: all that is known of it is that it runs.
        return all(
            self._programs.uptime_s(process.program) is not None for process in state.processes
        )

    def _health_of(self, server: CheckedServer) -> ServerHealth:
        return ServerHealth(
            name=server.name,
            uptime_s=self._programs.uptime_s(server.program),
            unanswered_s=server.check.unanswered_s,
            is_listening=server.check.is_listening,
            patience_s=server.patience_s,
            failing_s=server.check.failing_s,
            status=server.check.answer.status if server.check.answer else HTTPStatus.OK,
        )

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
        for kind in process.kinds:
            if kind.stack:
                yield CheckedServer(
                    name=kind.stack.value,
                    program=process.program,
                    check=_check_of(kind, READY_PATH),
                    patience_s=state.timeout_s,
                )


def _migrations(state: State) -> ServerCheck | None:
    if not state.checks_migrations:
        return None
    for process in state.processes:
        for kind in process.kinds:
            if kind.stack is Stack.WSGI:
                secrets = dict(process.environment).get(environment.PEER_SECRET, "")
                return _check_of(kind, MIGRATIONS_PATH, next(iter(secrets.split()), None))
    return None


def _check_of(kind: WorkerKind, path: str, secret: str | None = None) -> ServerCheck:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    if kind.socket is None and kind.bind is not None:
        return server_check.of_address(kind.bind.local, path, headers)
    return server_check.of_socket(kind.socket or "", path, headers)


def _reason(body: bytes) -> str:
    """Return why the migrations are not known to be applied; empty if they are."""
    try:
        return str(json.loads(body)["reason"])
    except (ValueError, TypeError, KeyError):
        return MIGRATIONS_UNREAD

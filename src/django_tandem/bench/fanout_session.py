"""Rounds of a fan-out on each topology in turn, and what a storm does to a topology."""

import asyncio
import contextlib
import http.client
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import psutil

from django_tandem.bench import fanout
from django_tandem.bench.fanout_client import stamped
from django_tandem.bench.fanout_load import FanoutLoad, processes_for
from django_tandem.bench.fanout_results import FanoutRound, FanoutRow, PartUsage, StormResult
from django_tandem.bench.fanout_workload import FanoutJob
from django_tandem.bench.launch import RunningTopology, running
from django_tandem.bench.resources import usage_of_parts
from django_tandem.bench.topology import Topology
from django_tandem.errors import RefusedError, TandemError
from django_tandem.model import programs
from django_tandem.runtime import reload, supervisord
from django_tandem.runtime.reconcile import next_generation

RELOAD, KILL = "reload", "kill"
RELOAD_S = 120
# Beyond the time that a drain may take.
STORM_S = 60
TRIGGER_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """
    How the project is made to broadcast: by a message on one WebSocket, or by a request.

    ``{stamp}`` in ``message``, or in ``path``, ``body`` and ``headers``, is replaced each time.
    """

    message: str = ""
    path: str = ""
    method: str = "GET"
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def trigger(self, load: FanoutLoad, url: str) -> fanout.Trigger:
        """Return a function that triggers one broadcast of the project at ``url``."""

        async def by_message() -> int:
            return await load.send(self.message)

        async def by_request() -> int:
            return await asyncio.to_thread(self._request, url)

        return by_message if self.message else by_request

    def _request(self, url: str) -> int:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port or 80, timeout=TRIGGER_S
        )
        at_ns = time.monotonic_ns()
        with contextlib.closing(connection):
            try:
                connection.request(
                    self.method,
                    stamped(self.path, at_ns),
                    body=stamped(self.body, at_ns).encode() or None,
                    headers={name: stamped(value, at_ns) for name, value in self.headers},
                )
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as error:
                raise RefusedError(
                    f"{self.method} {self.path} failed: {error or type(error).__name__}.",
                    hint="`--trigger` is the request that makes the project broadcast.",
                ) from error
        if response.status >= 300:
            raise RefusedError(
                f"{self.method} {self.path} got status {response.status}.",
                hint="`--trigger` is the request that makes the project broadcast: add the "
                "`--header` or the `--body` that it needs.",
            )
        return at_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutSchedule:
    """The rounds: ``seconds`` of broadcasts each, every ``every_s``, 0 for one after the other."""

    count: int
    rounds: int
    seconds: float
    every_s: float = 0.0
    storms: tuple[str, ...] = (RELOAD, KILL)
    cpus: int = 1


@dataclass(kw_only=True)
class FanoutSession:
    """
    One comparison, and its results so far.

    A topology that does not start, or whose WebSockets do not open, takes part in no further
    round. An interrupt ends the session, and finished rounds are kept.
    """

    topologies: Sequence[Topology]
    job: FanoutJob
    broadcast: Broadcast
    schedule: FanoutSchedule
    report_step: Callable[[str], None]
    report_failure: Callable[[str], None]
    rows: dict[str, FanoutRow] = field(default_factory=dict)
    was_cut: bool = False

    def run(self) -> None:
        """Run all rounds."""
        compared = [each for each in self.topologies if each.has_websockets]
        self.rows = {
            each.name: FanoutRow(topology=each.name, title=each.title) for each in compared
        }
        try:
            for number in range(1, self.schedule.rounds + 1):
                for topology in compared[:: 1 if number % 2 else -1]:
                    if not self.rows[topology.name].failure:
                        self._run_topology(number, topology)
        except KeyboardInterrupt:
            self.was_cut = True

    def _run_topology(self, number: int, topology: Topology) -> None:
        where = f"Round {number} of {self.schedule.rounds}: {topology.title}"
        self.report_step(f"{where}, starting")
        row = self.rows[topology.name]
        try:
            with running(topology) as stack:
                found = asyncio.run(self._measure(stack, where))
                rounds = (*row.rounds, found)
                self.rows[topology.name] = replace(row, what=stack.what, rounds=rounds)
        except TandemError as error:
            self._fail(row, error.message, hint=error.hint)
        except Exception as error:  # noqa: BLE001 - the results so far are kept
            self._fail(row, f"{type(error).__name__}: {error}")

    def _fail(self, row: FanoutRow, why: str, *, hint: str = "") -> None:
        self.report_failure(str(TandemError(f"{row.title}: {why}", hint=hint)))
        self.rows[row.topology] = replace(self.rows[row.topology], failure=why)

    async def _measure(self, stack: RunningTopology, where: str) -> FanoutRound:
        schedule = self.schedule
        processes = processes_for(schedule.count, schedule.cpus)

        def use() -> PartUsage:
            return usage_of_parts(stack.supervisord.pid, stack.run_dir)

        async with FanoutLoad(replace(self.job, url=stack.url), processes) as load:
            trigger = self.broadcast.trigger(load, stack.url)
            self.report_step(f"{where}, {schedule.count} WebSockets")
            idle = await fanout.open_idle(load, schedule.count, trigger, use)
            _raise_for_exits(stack)
            self.report_step(f"{where}, broadcasts")
            sent = await fanout.broadcast(
                load, trigger, use, seconds=schedule.seconds, every_s=schedule.every_s
            )
            _raise_for_exits(stack)
            storms = []
            for cause in schedule.storms:
                self.report_step(f"{where}, reconnecting after a {cause}")
                storms.append(await _storm(load, cause, stack))
        return FanoutRound(idle=idle, broadcast=sent, storms=tuple(storms))


async def _storm(load: FanoutLoad, cause: str, stack: RunningTopology) -> StormResult:
    members = (await load.counts()).open
    deadline_s = STORM_S + stack.setup.plan.drain_s
    if cause == RELOAD:
        return await fanout.storm(
            load, cause, lambda: reload_topology(stack), closes=members, deadline_s=deadline_s
        )
    return await fanout.storm(
        load, cause, lambda: kill_server(stack), closes=1, deadline_s=deadline_s
    )


def reload_topology(stack: RunningTopology) -> None:
    """Reload the hybrid as `tandem reload` does; restart a standalone server by SIGTERM."""
    setup = stack.setup
    if setup.replan is None:
        supervisord.signal_program(stack.run_dir, "server", "TERM")
        return
    with reload.locked(stack.run_dir, _quiet, patience_s=RELOAD_S) as state:
        names = [each.name for each in supervisord.statuses(stack.run_dir)]
        plan = setup.replan(next_generation(state, names))
        reload.run(plan, setup.settings, state, deadline_s=RELOAD_S, report=_quiet)


def kill_server(stack: RunningTopology) -> None:
    """Kill the server's process that has the most open files, which has the most WebSockets."""
    leaders = [
        psutil.Process(each.pid)
        for each in supervisord.statuses(stack.run_dir)
        if each.pid in stack.server_pids and each.name != programs.NGINX
    ]
    family = [each for leader in leaders for each in (leader, *leader.children(recursive=True))]
    os.kill(max(family, key=_open_files).pid, signal.SIGKILL)


def _open_files(process: psutil.Process) -> int:
    try:
        return process.num_fds()
    except psutil.Error:
        return 0


def _raise_for_exits(stack: RunningTopology) -> None:
    if exits := stack.exits():
        raise RefusedError(exits, hint="Earlier rounds are kept.")


def _quiet(_line: str) -> None:
    pass

"""The monitor's process: it reads the edge's lines and the workers' slots, and answers on HTTP."""

import asyncio
import os
import signal
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path

import psutil

from django_tandem.errors import MachineError
from django_tandem.inprocess import prometheus_files
from django_tandem.model import REQUESTS_FILE, programs
from django_tandem.model.scoreboard import WorkerSlot
from django_tandem.model.state import STATE_FILE, State
from django_tandem.monitor import processes, request_lines, snapshots
from django_tandem.monitor.aggregates import Aggregates
from django_tandem.monitor.background_writer import BackgroundWriter
from django_tandem.monitor.counters import RequestCounters, WorkerCounters
from django_tandem.monitor.dashboard import file_pages
from django_tandem.monitor.dashboard.access import only_local
from django_tandem.monitor.gauges import Gauges
from django_tandem.monitor.last_hour import HOUR_MINUTES, LastHour
from django_tandem.monitor.marks import Marks, name_of
from django_tandem.monitor.minutes import RouteMinute
from django_tandem.monitor.processes import WorkerProcesses
from django_tandem.monitor.requests_file import RequestsFile
from django_tandem.monitor.snapshot import WorkerState
from django_tandem.monitor.snapshots import Surroundings
from django_tandem.monitor.statsd_export import StatsdExport
from django_tandem.runtime import supervisord
from django_tandem.runtime.listen_queues import ListenQueue, read_queues
from django_tandem.runtime.probes.http_server import HttpServer, Pages, Request, Response, as_json
from django_tandem.runtime.scoreboard import ScoreboardReader
from django_tandem.runtime.state import METRICS_SOCKET, read_state
from django_tandem.runtime.waiting import report

# The edge writes its lines each second, or each 64 kB.
READ_EVERY_S = 0.25
# The state, the queues and the slots.
LOOK_EVERY_S = 1.0
# A call to supervisord, which has other work.
RESTARTS_EVERY_S = 5.0
MEMORY_EVERY_S = 15.0


class Monitor:
    """One running stack, as it is seen from its run directory."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._requests = RequestsFile(run_dir / REQUESTS_FILE)
        self._scoreboard = ScoreboardReader(run_dir)
        self._processes = WorkerProcesses()
        # Its parent; a plain process in a test.
        self._supervisord_pid = os.getppid()
        self._aggregates = Aggregates(time.time())
        self._counters, self._worker_counters = RequestCounters(), WorkerCounters()
        self._last_hour, self._gauges = LastHour(), Gauges()
        self._marks = Marks(psutil.Process(self._supervisord_pid).create_time())
        self._state: State | None = None
        self._state_version: tuple[int, int] | None = None
        self._lost_lines = 0
        self._queues: dict[str, ListenQueue] = {}
        self._workers: tuple[WorkerState, ...] = ()
        self._pss_bytes: dict[str, float] = {}
        self._pss_mb: dict[int, float] = {}
        self._statsd = StatsdExport()
        self._history = _open_history(run_dir)
        self._reported: set[str] = set()
        self._server = HttpServer(self._pages())

    def _pages(self) -> Pages:
        data: Pages = {
            "/snapshot.json": self._snapshot_page,
            "/history.json": self._history_page,
            "/gauges.json": self._gauges_page,
        }
        # Paths in the data may hold what only the user of the stack should see.
        shown = only_local({**file_pages(), **data})
        return {**shown, "/metrics": self._metrics_page}

    async def run(self) -> None:
        """Serve until SIGTERM."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sent in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sent, ended.set)
        rounds = [
            asyncio.create_task(_repeat(work, each_s))
            for work, each_s in (
                (self._look, LOOK_EVERY_S),
                (self._read_lines, READ_EVERY_S),
                (self._look_for_restarts, RESTARTS_EVERY_S),
                (self._measure_memory, MEMORY_EVERY_S),
                (self._fold_ended_processes, MEMORY_EVERY_S),
            )
        ]
        await ended.wait()
        for each in rounds:
            each.cancel()
        await self._read_lines()
        self._close_minutes(at_once=True)
        self._statsd.close()
        if self._history is not None:
            self._history.close()

    async def _read_lines(self) -> None:
        while lines := self._requests.read():
            for line in lines:
                self._count(line)
            # A long backlog must not keep a client waiting.
            await asyncio.sleep(0)

    def _count(self, line: str) -> None:
        try:
            parsed = request_lines.parse(line)
        except ValueError:
            # Cut by a full disk, most likely.
            self._lost_lines += 1
            return
        counted = self._aggregates.add(parsed)
        self._counters.add(counted)
        self._statsd.add(parsed)

    async def _look(self) -> None:
        await self._read_state()
        self._queues = self._live_queues(read_queues())
        slots = self._scoreboard.read()
        self._worker_counters.update(slots)
        self._workers = self._processes.states(slots, self._pss_mb)
        self._gauges.add(time.time(), self._workers, self._queues)
        if self._requests.is_removed():
            await self._reopen()
        self._close_minutes()
        # Channels workers serve no request.
        self._statsd.flush(sum(slot.stack != programs.CHANNELS for slot in slots))

    def _close_minutes(self, *, at_once: bool = False) -> None:
        records = self._aggregates.close_minutes(time.time(), at_once=at_once)
        if records:
            self._keep(records)

    def _keep(self, records: list[RouteMinute]) -> None:
        self._last_hour.add(records)
        if self._history is not None:
            self._history.write(records)

    async def _look_for_restarts(self) -> None:
        # While supervisord stops, or where there is none, nothing is restarted.
        with suppress(OSError, MachineError):
            generation = self._state.generation if self._state else 0
            found = await asyncio.to_thread(processes.read_restarts, self._run_dir, generation)
            self._marks.see_restarts(found, time.time())

    async def _measure_memory(self) -> None:
        slots = [each.slot for each in self._workers]
        with suppress(OSError, MachineError):
            self._pss_bytes, self._pss_mb = await asyncio.to_thread(
                processes.read_memory, self._run_dir, self._supervisord_pid, slots
            )

    async def _fold_ended_processes(self) -> None:
        if any(prometheus_files.directories(self._run_dir)):
            from django_tandem.monitor import ended_processes  # noqa: PLC0415 - as below

            ended_processes.fold(self._run_dir)

    async def _read_state(self) -> None:
        """Read the state if it has changed: a reload has committed another generation."""
        try:
            found = (self._run_dir / STATE_FILE).stat()
            version = found.st_ino, found.st_mtime_ns
            if version == self._state_version:
                return
            self._state = read_state(self._run_dir) or self._state
        except (OSError, MachineError):
            # While it is damaged, what it held before still runs.
            return
        self._state_version = version
        if self._state is not None:
            self._marks.see_generation(self._state.generation, time.time())
            self._statsd.configure(self._state)
        addresses = self._state.metrics if self._state else ()
        for failure in await self._server.listen((str(self._run_dir / METRICS_SOCKET), *addresses)):
            report(failure)

    async def _reopen(self) -> None:
        # NGINX would write to the removed file until its next start.
        self._requests.close()
        (self._run_dir / REQUESTS_FILE).touch(mode=0o600)
        signal_edge = partial(
            supervisord.signal_program, self._run_dir, programs.NGINX, signal.SIGUSR1.name[3:]
        )
        try:
            await asyncio.to_thread(signal_edge)
        except OSError as error:
            report(f"{REQUESTS_FILE} was removed, and NGINX can't be made to reopen it: {error}.")

    def _live_queues(self, found: dict[Path, ListenQueue]) -> dict[str, ListenQueue]:
        state = self._state
        kinds = [kind for process in state.processes for kind in process.kinds] if state else []
        return {
            kind.stack.value: found[Path(kind.socket)]
            for kind in kinds
            if kind.stack and kind.socket and Path(kind.socket) in found
        }

    async def _snapshot_page(self, _request: Request) -> Response:
        around = Surroundings(
            generation=self._state.generation if self._state else 0,
            stacks=tuple(
                dict.fromkeys(s for p in self._state.processes for s in p.stacks)
                if self._state
                else ()
            ),
            workers=self._workers,
            queues=self._queues,
            marks=self._marks.all,
            lost_lines=self._lost_lines,
        )
        found = snapshots.take(self._aggregates, around, time.time())
        return as_json(HTTPStatus.OK, found.as_json())

    async def _history_page(self, request: Request) -> Response:
        given = request.query.get("minutes", "")
        minutes = int(given) if given.isdecimal() else HOUR_MINUTES
        since = int(time.time()) // 60 - minutes
        return Response(status=HTTPStatus.OK, body=self._last_hour.as_json(since))

    async def _gauges_page(self, _request: Request) -> Response:
        return as_json(HTTPStatus.OK, self._gauges.as_json())

    async def _metrics_page(self, request: Request) -> Response:
        # Where nothing scrapes, its import would only take memory.
        from django_tandem.monitor import project_metrics, prometheus  # noqa: PLC0415

        measured = prometheus.Measured(
            requests=self._counters,
            workers=self._worker_counters,
            slots=[self._with_bounded_routes(each.slot) for each in self._workers],
            queues=self._queues,
            generation=self._state.generation if self._state else 0,
            reloads=self._marks.reloads,
            restarts=self._restarts(),
            pss_bytes=self._pss_bytes,
            lost_lines=self._lost_lines,
            project=project_metrics.read(self._run_dir, self._report_once),
        )
        body, content_type = prometheus.encode(measured, request.headers.get("accept", ""))
        return Response(status=HTTPStatus.OK, body=body, content_type=content_type)

    def _restarts(self) -> dict[str, int]:
        # A series that began with the first restart would hide it from increase().
        processes = self._state.processes if self._state else ()
        names = {name_of(log) for process in processes for log in process.logs}
        return {**dict.fromkeys(sorted(names), 0), **self._marks.restarts}

    def _report_once(self, text: str) -> None:
        if text not in self._reported:
            self._reported.add(text)
            report(text)

    def _with_bounded_routes(self, slot: WorkerSlot) -> WorkerSlot:
        bound = self._aggregates.bounded
        return replace(
            slot,
            websockets={bound(route): count for route, count in slot.websockets.items()},
            streams={bound(route): count for route, count in slot.streams.items()},
        )


def _open_history(run_dir: Path) -> BackgroundWriter | None:
    try:
        # Python may have been built without SQLite, which the rest does not need.
        from django_tandem.monitor.history import HISTORY, History  # noqa: PLC0415
    except ImportError as error:
        report(f"No history is kept: {error}.")
        return None
    return BackgroundWriter(History(run_dir / HISTORY).write)


async def _repeat(work: Callable[[], Awaitable[None]], each_s: float) -> None:
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - a bug of one round must not end the others
            traceback.print_exc()
        await asyncio.sleep(each_s)

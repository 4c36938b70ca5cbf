"""The monitor's process: it reads the edge's lines and the workers' slots, and answers on HTTP."""

import asyncio
import signal
import time
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path

from django_tandem.errors import MachineError
from django_tandem.model import REQUESTS_FILE, programs
from django_tandem.monitor import request_lines, snapshots
from django_tandem.monitor.aggregates import Aggregates
from django_tandem.monitor.minutes import RouteMinute
from django_tandem.monitor.requests_file import RequestsFile
from django_tandem.monitor.snapshots import Surroundings
from django_tandem.render.supervisor import STATE_FILE, State
from django_tandem.runtime import supervisord
from django_tandem.runtime.listen_queues import ListenQueue, read_queues
from django_tandem.runtime.probes.http_server import HttpServer, Request, Response, as_json
from django_tandem.runtime.state import METRICS_SOCKET, read_state
from django_tandem.runtime.waiting import report

# The edge writes its lines each second, or each 64 kB.
READ_EVERY_S = 0.25
# The state, the queues and the slots.
LOOK_EVERY_S = 1.0

# Gets the records of each minute that has ended.
OnMinutes = Callable[[list[RouteMinute]], None]


class Monitor:
    """One running stack, as it is seen from its run directory."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self.aggregates = Aggregates(time.time())
        self._requests = RequestsFile(run_dir / REQUESTS_FILE)
        self._state: State | None = None
        self._state_version: tuple[int, int] | None = None
        self._lost_lines = 0
        self._queues: dict[Path, ListenQueue] = {}
        self._server = HttpServer({"/snapshot.json": self._snapshot_page})
        self.on_minutes: tuple[OnMinutes, ...] = ()

    async def run(self) -> None:
        """Serve until SIGTERM."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sent in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sent, ended.set)
        await self._look()
        rounds = [
            asyncio.create_task(_repeat(self._read_lines, READ_EVERY_S)),
            asyncio.create_task(_repeat(self._look, LOOK_EVERY_S)),
        ]
        await ended.wait()
        for each in rounds:
            each.cancel()
        await self._read_lines()
        self._close_minutes(at_once=True)

    async def _read_lines(self) -> None:
        while lines := self._requests.read():
            for line in lines:
                self._add(line)
            # A long backlog must not keep a client waiting.
            await asyncio.sleep(0)

    def _add(self, line: str) -> None:
        try:
            parsed = request_lines.parse(line)
        except ValueError:
            # Cut by a full disk, most likely.
            self._lost_lines += 1
            return
        self.aggregates.add(parsed)

    async def _look(self) -> None:
        await self._read_state()
        self._queues = read_queues()
        if self._requests.is_removed():
            await self._reopen()
        self._close_minutes()

    def _close_minutes(self, *, at_once: bool = False) -> None:
        records = self.aggregates.close_minutes(time.time(), at_once=at_once)
        for on_minutes in self.on_minutes if records else ():
            on_minutes(records)

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

    async def _snapshot_page(self, _request: Request) -> Response:
        found = snapshots.take(self.aggregates, self._surroundings(), time.time())
        return as_json(HTTPStatus.OK, found.as_json())

    def _surroundings(self) -> Surroundings:
        state = self._state
        kinds = [kind for process in state.processes for kind in process.kinds] if state else []
        served = {kind.stack: kind for kind in kinds if kind.stack and kind.socket}
        queues = {
            stack.value: self._queues.get(Path(kind.socket or "")) for stack, kind in served.items()
        }
        return Surroundings(
            generation=state.generation if state else 0,
            stacks=tuple(served),
            queues={stack: queue for stack, queue in queues.items() if queue},
            lost_lines=self._lost_lines,
        )


async def _repeat(work: Callable[[], Awaitable[None]], each_s: float) -> None:
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - a bug of one round must not end the others
            traceback.print_exc()
        await asyncio.sleep(each_s)

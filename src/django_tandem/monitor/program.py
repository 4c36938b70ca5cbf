"""The monitor's process: it reads the edge's lines and the workers' slots, and answers on HTTP."""

import asyncio
import os
import signal
import time
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

import django_tandem
from django_tandem.errors import MachineError
from django_tandem.inprocess import prometheus_files
from django_tandem.model import REQUESTS_FILE, programs
from django_tandem.monitor import processes, request_lines
from django_tandem.monitor.aggregates import Aggregates
from django_tandem.monitor.chart_marks import ChartMarks
from django_tandem.monitor.collected import Collected, places_of, queues_of
from django_tandem.monitor.last_hour import HOUR_MINUTES
from django_tandem.monitor.minutes import RouteMinute
from django_tandem.monitor.pages import MonitorPages
from django_tandem.monitor.processes import WorkerProcesses
from django_tandem.monitor.requests_file import RequestsFile
from django_tandem.monitor.statsd import StatsdExport
from django_tandem.runtime import supervisord
from django_tandem.runtime.listen_queues import read_queues
from django_tandem.runtime.probes.http_server import HttpServer
from django_tandem.runtime.state import HEALTH_SOCKET, METRICS_SOCKET, WatchedState
from django_tandem.runtime.waiting import report
from django_tandem.runtime.workers import ScoreboardReader

# One that is written, and one that waits for it.
MOST_UNFINISHED = 2


class BackgroundWriter:
    """
    Calls ``write`` with the records of one minute after the other.

    In a thread: a slow disk must not keep clients waiting.
    """

    def __init__(self, write: Callable[[list[RouteMinute]], None]) -> None:
        self._write_now = write
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._unfinished: list[Future[None]] = []

    def write(self, records: list[RouteMinute]) -> None:
        """Have ``records`` written, and return at once."""
        self._unfinished = [each for each in self._unfinished if not each.done()]
        if len(self._unfinished) >= MOST_UNFINISHED:
            report(
                "Writing to the disk took longer than a minute: one is missing from the history."
            )
            return
        self._unfinished.append(self._executor.submit(self._write, records))

    def close(self) -> None:
        """Wait until all is written."""
        self._executor.shutdown()

    def _write(self, records: list[RouteMinute]) -> None:
        try:
            self._write_now(records)
        except Exception:  # noqa: BLE001 - a bug of one minute must not end the others
            traceback.print_exc()


# The edge writes its lines each second, or each 64 kB.
READ_EVERY_S = 0.25
# The state, the queues and the slots.
SAMPLE_EVERY_S = 1.0
# A call to supervisord, which has other work.
RESTARTS_EVERY_S = 5.0
MEMORY_EVERY_S = 15.0
# A series that ends and begins is a gap in a graph.
CHOOSE_ROUTES_EVERY_S = 600.0


class Monitor:
    """
    One running stack, as it is seen from its run directory.

    ``root`` is the pid of its supervisord, or of the one program that runs without it.
    """

    def __init__(self, run_dir: Path, root: int) -> None:
        self._run_dir = run_dir
        self._root = root
        self._version = installed_version()
        self._ended = asyncio.Event()
        self._requests = RequestsFile(run_dir / REQUESTS_FILE)
        self._scoreboard = ScoreboardReader(run_dir)
        self._processes = WorkerProcesses()
        self._collected = Collected(
            aggregates=Aggregates(time.time()),
            marks=ChartMarks(psutil.Process(root).create_time()),
        )
        self._watched_state = WatchedState(run_dir)
        self._has_signalled_edge = False
        self._statsd = StatsdExport()
        self._history = _open_history(run_dir)
        self._failures: list[str] = []
        self._reported: set[str] = set()
        self._server = HttpServer(MonitorPages(self._collected, run_dir).by_path())
        # Below supervisord, a thread of it answers the probes.
        self._probes: HttpServer | None = None

    async def run(self) -> None:
        """Serve until SIGTERM, or until another version of django-tandem is installed."""
        loop = asyncio.get_running_loop()
        for sent in (signal.SIGTERM, signal.SIGINT):
            # A companion ignores Ctrl-C, as its keeper does.
            if signal.getsignal(sent) is not signal.SIG_IGN:
                loop.add_signal_handler(sent, self._ended.set)
        # Before the first line is read: what this monitor writes is not to be read back.
        await asyncio.to_thread(self._restore_last_hour)
        tasks = [
            asyncio.create_task(_repeat(work, each_s))
            for work, each_s in (
                (self._sample, SAMPLE_EVERY_S),
                # Not part of the sample: a failure of that loses no line and no minute.
                (self._read_lines, READ_EVERY_S),
                (self._reopen_if_removed, SAMPLE_EVERY_S),
                (self._pass_on, SAMPLE_EVERY_S),
                (self._read_restarts, RESTARTS_EVERY_S),
                (self._measure_memory, MEMORY_EVERY_S),
                (self._fold_ended_processes, MEMORY_EVERY_S),
                (self._choose_routes, CHOOSE_ROUTES_EVERY_S),
            )
        ]
        await self._ended.wait()
        for each in tasks:
            each.cancel()
        await self._read_lines()
        self._close_minutes(at_once=True)
        self._statsd.close()
        if self._history is not None:
            self._history.close()

    def _restore_last_hour(self) -> None:
        """Read what an earlier monitor has written of the last hour."""
        if self._history is None:
            return
        from django_tandem.monitor.history import HISTORY, read  # noqa: PLC0415 - as below

        now, path = time.time(), self._run_dir / HISTORY
        # A minute at a time, as an hour of two thousand routes would not fit into the memory.
        # The writer sets a damaged file aside.
        with suppress(MachineError):
            for minute in range(int(now) // 60, int(now) // 60 - HOUR_MINUTES, -1):
                records = read(path, since=60 * minute, until=60 * (minute + 1))
                self._collected.last_hour.add(records, now)

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
            self._collected.lost_lines += 1
            return
        counted = self._collected.aggregates.add(parsed)
        self._collected.requests.add(self._collected.series_selection.add(counted))
        self._statsd.add(parsed)

    async def _sample(self) -> None:
        await self._read_state()
        await self._listen()
        collected = self._collected
        kinds = collected.kinds
        places = [place for kind in kinds for place in places_of(kind)]
        collected.queues = queues_of(kinds, read_queues(places))
        slots = self._scoreboard.read()
        collected.worker_counts.update(slots)
        collected.add_body_cpu()
        collected.workers = self._processes.states(slots, collected.pss_mb)
        collected.gauges.add(time.time(), collected.workers, collected.queues)

    async def _pass_on(self) -> None:
        self._close_minutes()
        if unused := self._collected.aggregates.forget_idle_routes(time.time()):
            self._collected.series_selection.remove(unused)
            self._collected.requests.remove(unused)
        # Channels workers serve no request.
        workers = self._collected.workers
        self._statsd.flush(sum(each.slot.stack != programs.CHANNELS for each in workers))

    async def _choose_routes(self) -> None:
        self._collected.requests.remove(self._collected.series_selection.choose())

    def _close_minutes(self, *, at_once: bool = False) -> None:
        records = self._collected.aggregates.close_minutes(time.time(), at_once=at_once)
        if records:
            self._keep(records)

    def _keep(self, records: list[RouteMinute]) -> None:
        self._collected.last_hour.add(records, time.time())
        if self._history is not None:
            self._history.write(records)

    async def _read_restarts(self) -> None:
        if self._collected.state is None:
            return
        # While supervisord stops, or where there is none, nothing is restarted.
        with suppress(OSError, MachineError):
            found = await asyncio.to_thread(
                processes.read_restarts, self._run_dir, self._collected.state
            )
            self._collected.marks.see_restarts(found, time.time())

    async def _measure_memory(self) -> None:
        collected = self._collected
        if collected.state is None:
            return
        slots = [each.slot for each in collected.workers]
        with suppress(OSError, MachineError):
            collected.pss_bytes, collected.pss_mb = await asyncio.to_thread(
                processes.read_memory, self._run_dir, collected.state, self._root, slots
            )

    async def _fold_ended_processes(self) -> None:
        if any(prometheus_files.directories(self._run_dir)):
            from django_tandem.monitor import ended_processes  # noqa: PLC0415 - as below

            try:
                ended_processes.fold(self._run_dir)
            except OSError as error:
                # The next call tries again.
                self._report_once(f"The metrics of ended processes can't be added up: {error}.")

    def _report_once(self, text: str) -> None:
        if text not in self._reported:
            self._reported.add(text)
            report(text)

    async def _read_state(self) -> None:
        state = self._watched_state.read_if_changed()
        if state is None:
            return
        if installed_version() != self._version:
            report("Another version of django-tandem was installed: the monitor restarts.")
            self._ended.set()
        self._collected.state = state
        self._collected.marks.see_generation(state.generation, time.time())
        self._statsd.configure(state)

    async def _listen(self) -> None:
        """Listen where the state says; an address that another process has is tried again."""
        state = self._collected.state
        if state is None:
            return
        failures = []
        if state.has_monitor:
            addresses = (str(self._run_dir / METRICS_SOCKET), *state.metrics)
            failures += await self._server.listen(addresses)
        if not state.is_supervised:
            probes = (str(self._run_dir / HEALTH_SOCKET), *state.health)
            self._probes = self._probes or _probe_server(self._root, self._run_dir)
            failures += await self._probes.listen(probes)
        for failure in failures:
            if failure not in self._failures:
                report(failure)
        self._failures = failures

    async def _reopen_if_removed(self) -> None:
        if not self._requests.is_removed():
            return
        # NGINX would write to the removed file until its next start.
        state = self._collected.state
        if state is None or state.is_supervised:
            signal_edge = partial(
                supervisord.signal_program, self._run_dir, programs.NGINX, signal.SIGUSR1.name[3:]
            )
        else:
            signal_edge = partial(os.kill, self._root, signal.SIGUSR1)
        if self._has_signalled_edge:
            # It has written to the removed file what it had buffered.
            await self._read_lines()
            self._requests.close()
            self._has_signalled_edge = False
            return
        # The run directory may have been removed, or its disk be full: the next call tries again.
        with suppress(OSError):
            (self._run_dir / REQUESTS_FILE).touch(mode=0o600)
            await asyncio.to_thread(signal_edge)
            self._has_signalled_edge = True


def installed_version() -> str:
    """Return the file with the version of django-tandem on the disk, which an upgrade changes."""
    try:
        return Path(django_tandem.__file__).read_text()
    except OSError:
        # The release that this monitor is of was removed.
        return ""


def _probe_server(root: int, run_dir: Path) -> HttpServer:
    # Only the companion of a role without supervisord needs these.
    from django_tandem.runtime.probes.observer import StackObserver  # noqa: PLC0415
    from django_tandem.runtime.probes.server import probe_pages  # noqa: PLC0415
    from django_tandem.runtime.unsupervised import UnsupervisedProgram  # noqa: PLC0415

    return HttpServer(probe_pages(StackObserver(UnsupervisedProgram(root), run_dir).observe))


def _open_history(run_dir: Path) -> BackgroundWriter | None:
    try:
        # Python may have been built without SQLite, which the rest does not need.
        from django_tandem.monitor.history import HISTORY, HistoryWriter  # noqa: PLC0415
    except ImportError as error:
        report(f"No history is kept: {error}.")
        return None
    return BackgroundWriter(HistoryWriter(run_dir / HISTORY).write)


async def _repeat(work: Callable[[], Awaitable[None]], each_s: float) -> None:
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - a bug of one task must not end the others
            traceback.print_exc()
        await asyncio.sleep(each_s)

"""The arbiter of the shared master: Gunicorn's, with workers of several kinds."""

import logging
import math
import signal
import time
from collections.abc import Callable
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from django_tandem.inprocess import generation_files, worker_process
from django_tandem.inprocess.generation_files import MasterHeartbeat, WorkerRestarts
from django_tandem.model import Stack
from django_tandem.servers.adapters.forked_workers import DUMP_SIGNAL, ForkedKind, ForkedWorker
from django_tandem.servers.adapters.recycling import Recycling, with_jitter
from django_tandem.servers.adapters.unsupervised import MasterShutdown

# A worker that ends within this time of its start is not replaced before it is over.
PERIOD_S = 2.0
# Once another one of its kind has served, a worker that has not begun to by then is replaced: it
# may wait for a lock that the fork has copied.
START_S = 120.0
# How long a blocked worker has to log where it is.
DUMP_S = 0.2

# During a stop without a supervisor, its loop runs so often.
STOP_POLL_S = 0.05

IGNORED = {
    "HUP": "`tandem reload` starts a new generation",
    "USR2": "`tandem reload` starts a new generation",
    "TTIN": 'TANDEM["WSGI"]["WORKERS"] and TANDEM["ASGI"]["WORKERS"] set the number of workers',
    "TTOU": 'TANDEM["WSGI"]["WORKERS"] and TANDEM["ASGI"]["WORKERS"] set the number of workers',
}
# Without a supervisor there is one generation.
UNSUPERVISED = IGNORED | dict.fromkeys(("HUP", "USR2"), "a new container replaces this one")


class SharedArbiter(Arbiter):  # type: ignore[misc]
    """Keeps the number of workers of each kind; each kind has its sockets, limits and log."""

    WORKERS: dict[int, ForkedWorker]

    def __init__(self, app: Any) -> None:
        self.kinds: tuple[ForkedKind, ...] = ()
        self._kind: ForkedKind | None = None
        # By kind: before that time no worker is started.
        self._not_before: dict[str, float] = {}
        # By kind: how long the start of a worker may take, as soon as one has served.
        self._start_limits_s: dict[str, float] = {}
        # Whether every kind that serves has been ready; before, a failure ends the master.
        self._has_booted = self._is_halting = False
        # Whether the generation drains: the next one has its own Channels workers.
        self._is_draining = False
        self._stop: MasterShutdown | None = None
        self._restarts = WorkerRestarts(generation_files.RESTARTS.path_of_process())
        self._heartbeat = MasterHeartbeat(generation_files.HEARTBEAT.path_of_process())
        self._recycling = Recycling(
            lambda: self.WORKERS, self._spawn, self._drain, self._log_to_kind
        )
        super().__init__(app)

    def setup(self, app: Any) -> None:
        """Load the project, and plan the kinds of workers."""
        super().setup(app)
        self.kinds = app.kinds()
        self._stop = MasterShutdown(self, app.stop) if app.stop else None
        self.worker_class = self._make_worker
        self._begin_workers_first()

    def start(self) -> None:
        """Bind all sockets, each with the queue of its kind."""
        super().start()
        for kind in self.kinds:
            for listener in self._listeners(kind):
                # Gunicorn has one length for all.
                listener.sock.listen(kind.backlog)

    def _make_worker(self, age: int, ppid: int, *_: Any) -> ForkedWorker:
        # Called as Gunicorn calls a worker class, in the master.
        kind = self._kind
        assert kind is not None  # noqa: S101
        listeners, half_s = self._listeners(kind), (kind.timeout_s or PERIOD_S) / 2
        worker: ForkedWorker = kind.worker_class(
            kind, age, ppid, listeners, self.app, half_s, kind.config, self.log
        )
        worker.bounds = with_jitter(kind.recycle)
        return worker

    def _listeners(self, kind: ForkedKind) -> list[Any]:
        return [each for each in self.LISTENERS if each.cfg_addr in kind.addresses]

    @property
    def wsgi_listeners(self) -> list[Any]:
        """The listening sockets of Gunicorn's own workers."""
        of_wsgi = (kind for kind in self.kinds if kind.name == Stack.WSGI)
        return [each for kind in of_wsgi for each in self._listeners(kind)]

    def _begin_workers_first(self) -> None:
        # The project's hook prints to the log of the worker, too.
        hook: Callable[..., None] = self.cfg.post_fork

        def post_fork(arbiter: Any, worker: ForkedWorker) -> None:
            worker.begin(arbiter.LISTENERS)
            hook(arbiter, worker)

        self.cfg.set("post_fork", post_fork)

    def _spawn(self, kind: ForkedKind) -> int:
        """Start a worker; return its pid, or 0 if none can be started now."""
        if time.monotonic() < self._not_before.get(kind.name, 0):
            return 0
        self._kind = kind
        try:
            return int(self.spawn_worker())
        except OSError as error:
            self._log_to_kind(kind, f"A worker could not be started: {error}.")
            self._not_before[kind.name] = time.monotonic() + PERIOD_S
            return 0

    def manage_workers(self) -> None:
        """Start the workers that are missing of a kind, and replace those that exceed a bound."""
        self._heartbeat.beat()
        if self._stop is not None and self._stop.advance():
            # Those that still run have what is left of the stop.
            self.cfg.set("graceful_timeout", math.ceil(self._stop.left_s))
            raise StopIteration
        if self._is_refusing:
            return
        for kind in self.kinds:
            if not kind.is_last or (self._has_booted and not self._is_draining):
                self._keep(kind)
        self._note_boot()
        self._limit_starts()
        self._recycling.advance()

    @property
    def _is_refusing(self) -> bool:
        return self._stop is not None and self._stop.is_refusing

    @property
    def _has_served(self) -> bool:
        return self._has_booted or any(each.report.is_ready for each in self.WORKERS.values())

    def _note_boot(self) -> None:
        serving = (kind for kind in self.kinds if not kind.is_last)
        if not self._has_booted and all(map(self._is_complete, serving)):
            self._has_booted = True
            self.wakeup()

    def _limit_starts(self) -> None:
        for worker in self.WORKERS.values():
            if worker.report.is_ready and worker.kind.name not in self._start_limits_s:
                took_s = time.monotonic() - worker.forked_at
                self._start_limits_s[worker.kind.name] = max(START_S, 2 * took_s)

    def _keep(self, kind: ForkedKind) -> None:
        for _ in range(kind.workers - len(self._counted(kind))):
            if not self._spawn(kind):
                return

    def _counted(self, kind: ForkedKind) -> list[ForkedWorker]:
        workers = (each for each in self.WORKERS.values() if each.kind is kind)
        return [
            each for each in workers if not each.is_draining and not self._recycling.is_spare(each)
        ]

    def _is_complete(self, kind: ForkedKind) -> bool:
        return sum(each.report.is_ready for each in self._counted(kind)) >= kind.workers

    def _drain(self, worker: ForkedWorker) -> None:
        worker.is_draining, worker.drained_at = True, time.monotonic()
        self.kill_worker(worker.pid, worker.drain_signal())

    def reap_workers(self) -> None:
        """Reap workers that ended; one that fails to boot ends the master only at its start."""
        # Also of workers that have served and ended since the last round.
        self._note_boot()
        before = dict(self.WORKERS)
        while not self._reap():
            pass
        for pid in before.keys() - self.WORKERS.keys():
            worker = before[pid]
            # After a timeout, Gunicorn's WSGI worker also ends without a signal.
            has_finished = worker.report.ended_normally and not worker.aborted
            is_stopping = self._is_halting or self._is_refusing
            if not (worker.is_draining or has_finished or is_stopping):
                self._note_end(worker)

    def _reap(self) -> bool:
        """Return whether all workers that have ended are reaped."""
        before = dict(self.WORKERS)
        try:
            super().reap_workers()
        except HaltServer:
            if not (self._has_booted or self._is_halting):
                raise
            for pid in before.keys() - self.WORKERS.keys():
                self._finish_reaping(before[pid])
            return False
        return True

    def _finish_reaping(self, worker: ForkedWorker) -> None:
        # What Gunicorn does next, but not for a worker whose exit code would end the master.
        try:
            worker.tmp.fileno()
        except ValueError:
            return
        worker.tmp.close()
        self.cfg.child_exit(self, worker)

    def _note_end(self, worker: ForkedWorker) -> None:
        if not self._recycling.is_spare(worker):
            self._restarts.add(worker.kind.name)
            if not worker.aborted:
                text = (
                    f"Worker {worker.pid} ended and is replaced; the master's log has the reason."
                )
                self._log_to_kind(worker.kind, text)
        if time.monotonic() < worker.forked_at + PERIOD_S:
            self._not_before[worker.kind.name] = worker.forked_at + PERIOD_S

    def murder_workers(self) -> None:
        """Replace workers that exceed a limit, and have each log where it is blocked."""
        for pid, worker in list(self.WORKERS.items()):
            exceeded = self._exceeded(worker)
            if not exceeded:
                continue
            if worker.aborted:
                self.kill_worker(pid, signal.SIGKILL)
                continue
            worker.aborted = True
            self._log_to_kind(
                worker.kind, f"WORKER TIMEOUT (pid:{pid}): {exceeded}. Its call stack follows."
            )
            self.kill_worker(pid, DUMP_SIGNAL)
            time.sleep(DUMP_S)
            self.kill_worker(pid, signal.SIGABRT)

    def _exceeded(self, worker: ForkedWorker) -> str:
        """Return which limit a worker exceeds, as the end of a sentence; empty if none."""
        kind, now = worker.kind, time.monotonic()
        if not kind.timeout_s:
            return ""
        if worker.report.is_ready:
            took = "no heartbeat for", now - worker.tmp.last_update(), kind.timeout_s
        else:
            # Until the first heartbeat, its file has the time of the wall clock.
            limit_s = self._start_limits_s.get(kind.name, 0)
            took = "a start of", now - worker.forked_at, limit_s
        drained = "a drain of", now - worker.drained_at, kind.drain_limit_s
        for what, seconds, limit_s in (took, drained) if worker.is_draining else (took,):
            if limit_s and seconds > limit_s:
                return f"{what} more than {limit_s:g} s"
        return ""

    def halt(self, reason: str | None = None, exit_status: int = 0) -> None:
        """Stop all workers, and end."""
        self._is_halting = True
        try:
            # The exit code of `tandem up`, which Gunicorn's own codes would not fit.
            super().halt(reason, min(exit_status, 1) if self._stop else exit_status)
        except SystemExit as exit_:
            if not exit_.code:
                worker_process.finish()
            raise

    def wait_for_signals(self, timeout: float = 1.0) -> list[signal.Signals]:
        """Return the signals that come; a master without a supervisor polls them during a stop."""
        is_stopping = self._stop is not None and self._stop.has_begun
        found: list[signal.Signals] = super().wait_for_signals(
            STOP_POLL_S if is_stopping else timeout
        )
        return found

    def handle_term(self) -> None:
        """Stop all workers, by the steps of a stop where nothing supervises the master."""
        if self._stop is None:
            super().handle_term()
        else:
            self._stop.begin(has_served=self._has_served)

    def handle_int(self) -> None:
        """Stop as a person at a terminal wants it; a second Ctrl-C ends at once."""
        if self._stop is None or self._stop.has_begun:
            super().handle_int()
        else:
            self._stop.begin(has_served=self._has_served, is_interactive=True)

    def listeners(self) -> list[Any]:
        """Return the listening sockets."""
        return list(self.LISTENERS)

    def count_workers(self) -> int:
        """Return how many workers run."""
        return len(self.WORKERS)

    def drain_workers(self) -> None:
        """Have each worker finish what it has begun, and end."""
        for worker in self.WORKERS.values():
            if not worker.is_draining:
                self._drain(worker)

    def report(self, text: str) -> None:
        """Log a line that is no warning, which Gunicorn's level would leave out."""
        record = logging.LogRecord("django_tandem", logging.INFO, "", 0, text, None, None)
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(self.log.error_fmt, self.log.datefmt))
        handler.emit(record)

    def _ignore(self, name: str) -> None:
        reasons = UNSUPERVISED if self._stop else IGNORED
        self.log.warning("SIG%s is ignored: %s.", name, reasons[name])

    def handle_hup(self) -> None:
        """Ignore SIGHUP: a loaded project can't be loaded again in one process."""
        self._ignore("HUP")

    def handle_usr2(self) -> None:
        """Ignore SIGUSR2, for the same reason."""
        self._ignore("USR2")

    def handle_winch(self) -> None:
        """Have the Channels workers finish and end, as the generation drains."""
        self._is_draining = True
        for worker in self.WORKERS.values():
            if worker.kind.is_last and not worker.is_draining:
                self._drain(worker)

    def handle_ttin(self) -> None:
        """Ignore SIGTTIN, which does not say which kind of worker it is for."""
        self._ignore("TTIN")

    def handle_ttou(self) -> None:
        """Ignore SIGTTOU, which does not say which kind of worker it is for."""
        self._ignore("TTOU")

    def _log_to_kind(self, kind: ForkedKind, text: str) -> None:
        """Log to the file in which the workers of the kind log."""
        path = worker_process.log_file(kind.name)
        try:
            handler = logging.FileHandler(path) if path else None
        except OSError:
            # No file is left to open, or the run directory is removed: the workers come first.
            handler = None
        if handler is None:
            self.log.warning("%s", text)
            return
        handler.setFormatter(logging.Formatter(self.log.error_fmt, self.log.datefmt))
        record = logging.LogRecord("gunicorn.error", logging.WARNING, "", 0, text, None, None)
        handler.emit(record)
        handler.close()

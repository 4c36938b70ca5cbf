"""The arbiter of the shared master: Gunicorn's, with workers of several kinds."""

import logging
import signal
import time
from collections.abc import Callable
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from django_tandem.inprocess import worker_process, worker_restarts
from django_tandem.servers.adapters.forked_workers import DUMP_SIGNAL, ForkedWorker, WorkerKind
from django_tandem.servers.adapters.recycling import Recycling, drawn

# A worker that ends within this time of its start is not replaced before it is over.
PERIOD_S = 2.0
# How long a blocked worker has to log where it is.
DUMP_S = 0.2

IGNORED = {
    "HUP": "`tandem reload` starts a new generation",
    "USR2": "`tandem reload` starts a new generation",
    "TTIN": 'TANDEM["WSGI"]["WORKERS"] and TANDEM["ASGI"]["WORKERS"] set the number of workers',
    "TTOU": 'TANDEM["WSGI"]["WORKERS"] and TANDEM["ASGI"]["WORKERS"] set the number of workers',
}


class SharedArbiter(Arbiter):  # type: ignore[misc]
    """Keeps the number of workers of each kind; each kind has its sockets, limits and log."""

    WORKERS: dict[int, ForkedWorker]

    def __init__(self, app: Any) -> None:
        self.kinds: tuple[WorkerKind, ...] = ()
        self._kind: WorkerKind | None = None
        # By kind: before that time no worker is started.
        self._not_before: dict[str, float] = {}
        # Whether every kind that serves has been ready; before, a failure ends the master.
        self._has_booted = self._is_halting = False
        # Whether the generation drains: the next one has its own Channels workers.
        self._is_retired = False
        self._restarts = worker_restarts.from_environment()
        self._recycling = Recycling(
            lambda: self.WORKERS, self._spawn, self._drain, self._log_of_kind
        )
        super().__init__(app)

    def setup(self, app: Any) -> None:
        """Load the project, and plan the kinds of workers."""
        super().setup(app)
        self.kinds = app.kinds()
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
        worker.bounds = drawn(kind.recycle)
        return worker

    def _listeners(self, kind: WorkerKind) -> list[Any]:
        return [each for each in self.LISTENERS if each.cfg_addr in kind.addresses]

    def _begin_workers_first(self) -> None:
        # The project's hook prints to the log of the worker, too.
        hook: Callable[..., None] = self.cfg.post_fork

        def post_fork(arbiter: Any, worker: ForkedWorker) -> None:
            worker.begin(arbiter.LISTENERS)
            hook(arbiter, worker)

        self.cfg.set("post_fork", post_fork)

    def _spawn(self, kind: WorkerKind) -> int:
        """Start a worker; return its pid, or 0 if none can be started now."""
        if time.monotonic() < self._not_before.get(kind.name, 0):
            return 0
        self._kind = kind
        try:
            return int(self.spawn_worker())
        except OSError as error:
            self._log_of_kind(kind, f"A worker could not be started: {error}.")
            self._not_before[kind.name] = time.monotonic() + PERIOD_S
            return 0

    def manage_workers(self) -> None:
        """Start the workers that a kind lacks, and replace those that exceed a bound."""
        for kind in self.kinds:
            if not kind.is_last or (self._has_booted and not self._is_retired):
                self._keep(kind)
        serving = [each for each in self.WORKERS.values() if not each.kind.is_last]
        if not self._has_booted and all(each.report.is_ready for each in serving):
            self._has_booted = True
            self.wakeup()
        self._recycling.advance()

    def _keep(self, kind: WorkerKind) -> None:
        for _ in range(kind.workers - len(self._counted(kind))):
            if not self._spawn(kind):
                return

    def _counted(self, kind: WorkerKind) -> list[ForkedWorker]:
        workers = (each for each in self.WORKERS.values() if each.kind is kind)
        return [
            each for each in workers if not each.is_draining and not self._recycling.is_spare(each)
        ]

    def _drain(self, worker: ForkedWorker) -> None:
        worker.is_draining = True
        self.kill_worker(worker.pid, worker.drain_signal())

    def reap_workers(self) -> None:
        """Reap workers that ended; one that fails to boot ends the master only at its start."""
        before = dict(self.WORKERS)
        while not self._reap():
            pass
        for pid in before.keys() - self.WORKERS.keys():
            worker = before[pid]
            # After a timeout, Gunicorn's WSGI worker also ends by itself.
            has_finished = worker.report.ended_normally and not worker.aborted
            if not (worker.is_draining or has_finished or self._is_halting):
                self._note_end(worker)

    def _reap(self) -> bool:
        """Return whether all workers that have ended are reaped."""
        try:
            super().reap_workers()
        except HaltServer:
            if self._has_booted or self._is_halting:
                return False
            raise
        return True

    def _note_end(self, worker: ForkedWorker) -> None:
        self._restarts.count(worker.kind.name)
        if time.monotonic() < worker.forked_at + PERIOD_S:
            self._not_before[worker.kind.name] = worker.forked_at + PERIOD_S

    def murder_workers(self) -> None:
        """Replace workers without a heartbeat, and have each log where it is blocked."""
        for pid, worker in list(self.WORKERS.items()):
            timeout_s = worker.kind.timeout_s
            if not timeout_s or time.monotonic() - worker.tmp.last_update() <= timeout_s:
                continue
            if worker.aborted:
                self.kill_worker(pid, signal.SIGKILL)
                continue
            worker.aborted = True
            self._log_of_kind(
                worker.kind,
                f"WORKER TIMEOUT (pid:{pid}) {worker.blocked} more than {timeout_s:g} s, here:",
            )
            self.kill_worker(pid, DUMP_SIGNAL)
            time.sleep(DUMP_S)
            self.kill_worker(pid, signal.SIGABRT)

    def halt(self, reason: str | None = None, exit_status: int = 0) -> None:
        """Stop all workers, and end."""
        self._is_halting = True
        super().halt(reason, exit_status)

    def _ignore(self, name: str) -> None:
        self.log.warning("SIG%s is ignored: %s.", name, IGNORED[name])

    def handle_hup(self) -> None:
        """Ignore SIGHUP: a loaded project can't be loaded again in one process."""
        self._ignore("HUP")

    def handle_usr2(self) -> None:
        """Ignore SIGUSR2, for the same reason."""
        self._ignore("USR2")

    def handle_winch(self) -> None:
        """Have the Channels workers finish and end, as the generation drains."""
        self._is_retired = True
        for worker in self.WORKERS.values():
            if worker.kind.is_last and not worker.is_draining:
                self._drain(worker)

    def handle_ttin(self) -> None:
        """Ignore SIGTTIN, which names no kind."""
        self._ignore("TTIN")

    def handle_ttou(self) -> None:
        """Ignore SIGTTOU, which names no kind."""
        self._ignore("TTOU")

    def _log_of_kind(self, kind: WorkerKind, text: str) -> None:
        """Log to the file in which the workers of the kind log."""
        path = worker_process.log_file(kind.name)
        if path is None:
            self.log.warning("%s", text)
            return
        handler = logging.FileHandler(path)
        handler.setFormatter(logging.Formatter(self.log.error_fmt, self.log.datefmt))
        record = logging.LogRecord("gunicorn.error", logging.WARNING, "", 0, text, None, None)
        handler.emit(record)
        handler.close()

"""The workers that the shared master forks: of Gunicorn, of Uvicorn and of Channels."""

import asyncio
import atexit
import faulthandler
import logging
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.workers.base import Worker
from uvicorn.protocols.websockets import auto
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from django_tandem import fingerprints
from django_tandem.inprocess import open_connections, worker_process
from django_tandem.model import Recycle
from django_tandem.servers.adapters import addresses

_PROTOCOL = "WebSocketsSansIOProtocol"
PROTOCOL_SOURCES = (
    f"uvicorn.protocols.websockets.websockets_sansio_impl.{_PROTOCOL}.handle_connect",
)


def websocket_protocol(option: Any) -> Any:
    """Return the value of Uvicorn's option ``ws``: ours instead of the one that it chooses."""
    chosen: Any = auto.AutoWebSocketsProtocol
    if option != "auto" or getattr(chosen, "__name__", "") != _PROTOCOL:
        return option
    is_known = fingerprints.are_known(PROTOCOL_SOURCES, otherwise="Each WebSocket takes 4 kB more.")
    return without_handshake(chosen) if is_known else option


def without_handshake(protocol: Any) -> Any:
    """Return the protocol class that forgets the headers of each handshake."""

    class LeanWebSocketProtocol(protocol):  # type: ignore[misc]
        """Forgets the headers of the handshake, once they are in the scope: 4 kB a connection."""

        def handle_connect(self, event: Any) -> None:
            """Begin the ASGI application."""
            super().handle_connect(event)
            # Uvicorn and websockets both keep the request for as long as the connection lasts.
            event.headers.clear()

    return LeanWebSocketProtocol


# By which the master has a worker finish, while its WebSockets and streams end within a window.
# NGINX uses this signal for the same.
DRAIN_SIGNAL = signal.SIGWINCH
# By which it has a worker log where it is blocked: also in code that never returns to Python.
DUMP_SIGNAL = signal.SIGUSR2
BEAT_S = 0.5
POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkedKind:
    """
    What the workers of one kind have in common.

    ``load`` returns what a worker runs, and is called in it. ``addresses`` are those of its
    listeners, ``backlog`` the length of their queue. A worker without a heartbeat for
    ``timeout_s`` is replaced, with 0 none is. One that drains ends its WebSockets and streams
    within ``drain_s``, and is killed after ``drain_limit_s``, with 0 none is. ``is_last`` starts
    them once all others are ready.
    """

    name: str
    worker_class: type[Worker]
    config: Config
    workers: int
    load: Callable[[], Any]
    addresses: tuple[Any, ...] = ()
    backlog: int = 0
    timeout_s: float = 0
    niceness: int = 0
    recycle: Recycle = Recycle()
    drain_s: float = 0
    drain_limit_s: float = 0
    is_last: bool = False


class WorkerReport:
    """What a worker reports to its master, in memory that both share."""

    def __init__(self) -> None:
        self._numbers = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")

    @property
    def is_ready(self) -> bool:
        """Whether the worker has had a heartbeat: it serves."""
        return bool(self._numbers[0])

    @property
    def requests(self) -> int:
        """How many requests the worker has begun."""
        return self._numbers[1]

    @property
    def ended_normally(self) -> bool:
        """Whether the worker has ended after its number of requests."""
        return bool(self._numbers[2]) and self.requests > 0

    def write(self, requests: int) -> None:
        """Report that the worker serves, and how many requests it has begun."""
        self._numbers[0], self._numbers[1] = 1, requests

    def finish(self, requests: int) -> None:
        """Report that the worker ends without a signal, and how many requests it has begun."""
        self._numbers[1], self._numbers[2] = requests, 1


def _do_nothing() -> None:
    pass


class ForkedWorker(Worker):  # type: ignore[misc]
    """A worker of one kind, which makes what can't be shared once it is forked."""

    def __init__(self, kind: ForkedKind, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.kind = kind
        self.report = WorkerReport()
        self.forked_at = time.monotonic()
        # For the master: whether and since when it has this worker end, and this worker's bounds.
        self.is_draining = False
        self.drained_at = 0.0
        self.bounds = kind.recycle
        # Whether the kernel stops the worker when its master dies.
        self.is_signalled = False

    def begin(self, listeners: list[Any]) -> None:
        """Become a process of the kind: the first that a forked worker does."""
        worker_process.set_process_name(worker_process.booting_name(self.kind.name))
        log = worker_process.log_file(self.kind.name)
        if log is not None:
            worker_process.log_to(log)
        for listener in listeners:
            if listener not in self.sockets:
                listener.close()
        os.nice(self.kind.niceness)
        # Python opens no file that a program would inherit; to see to it takes each logger.
        self.log.close_on_exec = _do_nothing

    def load_wsgi(self) -> None:
        """
        Load the application of the kind, WSGI or ASGI; the name is Gunicorn's.

        The process has its user and its signal handlers by now.
        """
        self.is_signalled = worker_process.stop_with(self.ppid)
        faulthandler.register(DUMP_SIGNAL, file=sys.stderr, all_threads=False, chain=False)
        self.asgi = self.wsgi = self.kind.load()

    def init_process(self) -> None:
        """Run until the worker has finished what it does."""
        try:
            super().init_process()
        except SystemExit as exit_:
            if exit_.code:
                raise
        self.report.finish(self.count_requests())
        worker_process.finish()

    def count_requests(self) -> int:
        """Return how many requests the worker has begun."""
        return int(self.nr)

    def notify(self) -> None:
        """Report to the master that the worker is alive, and at first that it is ready."""
        super().notify()
        if not self.report.is_ready:
            worker_process.set_process_name(worker_process.process_name(self.kind.name))
        self.report.write(self.count_requests())

    async def notify_master(self) -> None:
        """Notify for as long as the master runs; once it is dead, stop gracefully."""
        while os.getppid() == self.ppid:
            self.notify()
            await asyncio.sleep(BEAT_S)
        # A second SIGTERM would interrupt what the first one lets finish.
        if not self.is_signalled:
            os.kill(os.getpid(), signal.SIGTERM)

    def drain_signal(self) -> signal.Signals:
        """Return the signal that has the worker finish and end."""
        return signal.SIGTERM


def forkable_worker_class(chosen: type[Worker]) -> type[Worker]:
    """Return the worker class that gunicorn.conf.py chooses, as one that can be forked here."""
    return type(f"Forked{chosen.__name__}", (ForkedWorker, chosen), {})


class HeartbeatServer(Server):  # type: ignore[misc]
    """Uvicorn's server, with a heartbeat from the moment at which it serves."""

    def __init__(self, config: Any, heartbeats: Callable[[], Coroutine[Any, Any, None]]) -> None:
        super().__init__(config)
        self._heartbeats = heartbeats
        self.tasks: list[asyncio.Task[None]] = []

    def start_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run the coroutine for as long as the server runs."""
        self.tasks.append(asyncio.ensure_future(coroutine))

    async def startup(self, sockets: Any = None) -> None:
        """Start the lifespan and accept connections; the first of them may block the loop."""
        loop: Any = asyncio.get_running_loop()
        loop.create_server = addresses.encrypted(loop.create_server)
        await super().startup(sockets=sockets)
        if self.started:
            self.start_task(self._heartbeats())


class ForkedUvicornWorker(ForkedWorker, UvicornWorker):  # type: ignore[misc]
    """Uvicorn's worker with Uvicorn's own arguments, a heartbeat and a drain."""

    server: HeartbeatServer

    def __init__(self, *arguments: Any) -> None:
        # It would replace what Uvicorn's arguments and the project have configured.
        loggers = [logging.getLogger(f"uvicorn.{name}") for name in ("error", "access")]
        configured = [(each.handlers, each.level, each.propagate) for each in loggers]
        super().__init__(*arguments)
        for each, (handlers, level, propagate) in zip(loggers, configured, strict=True):
            each.handlers, each.level, each.propagate = handlers, level, propagate

    def init_signals(self) -> None:
        """Set the handlers, also that of the signal that ends a blocked worker."""
        super().init_signals()
        signal.signal(signal.SIGABRT, self.handle_abort)

    def handle_abort(self, *_: Any) -> None:
        """End the process: Uvicorn or the view would catch the SystemExit that Gunicorn raises."""
        self.cfg.worker_abort(self)
        # As at any exit of Python. If that hangs, the master's SIGKILL follows.
        atexit._run_exitfuncs()
        os._exit(1)

    async def _serve(self) -> None:
        # Uvicorn raises the signal again once it has stopped, which by default skips what is
        # registered for the exit.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        # Hooks of Gunicorn wrap `worker.wsgi` in WSGI middleware.
        self.config.app = self.asgi
        self.server = HeartbeatServer(self.config, self.notify_master)
        self._install_sigquit_handler()
        asyncio.get_running_loop().add_signal_handler(
            DRAIN_SIGNAL, lambda: self.server.start_task(self._drain())
        )
        await self.server.serve(sockets=self.sockets)
        for task in self.server.tasks:
            task.cancel()
        if not self.server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    async def _drain(self) -> None:
        for listener in self.server.servers:
            listener.close()
        connections = open_connections.of_process()
        if connections is not None:
            connections.drain(self.kind.drain_s)
        until = time.monotonic() + self.kind.drain_s + self.kind.timeout_s
        while self.server.server_state.tasks and time.monotonic() < until:
            await asyncio.sleep(POLL_S)
        self.server.should_exit = True

    def count_requests(self) -> int:
        """Return how many requests Uvicorn has begun."""
        return int(self.server.server_state.total_requests)

    def drain_signal(self) -> signal.Signals:
        """Return the signal on which WebSockets and streams end within a window."""
        return DRAIN_SIGNAL


def uvicorn_worker(options: Mapping[str, Any]) -> type[Worker]:
    """Return Uvicorn's worker class with these options of ``uvicorn.Config``."""
    own = {"log_config": None, "log_level": None, "callback_notify": None}
    if "ws" in options:
        own["ws"] = websocket_protocol(options["ws"])
    return type("AsgiWorker", (ForkedUvicornWorker,), {"CONFIG_KWARGS": {**options, **own}})


class ForkedChannelsWorker(ForkedWorker):
    """Runs Channels' worker, which finishes the messages that it has taken before it ends."""

    def run(self) -> None:
        """Consume until a signal arrives, or until a channel fails."""
        # Gunicorn's handlers only set `alive`. Channels' own worker sets none, ours its own.
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(each, signal.SIG_DFL)
        if self.alive:
            asyncio.run(self._consume())

    async def _consume(self) -> None:
        heartbeats = asyncio.ensure_future(self.notify_master())
        await self.asgi.arun()
        heartbeats.cancel()

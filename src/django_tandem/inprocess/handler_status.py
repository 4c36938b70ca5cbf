"""Which ASGI handler serves in each process, and its threads: small files for `tandem status`."""

import atexit
import contextlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from django_tandem import environment
from django_tandem.handler.protocol import Application, Receive, Scope, Send

PREFIX = "handler-"
WRITE_EVERY_S = 1.0
Count = Callable[[], Mapping[str, int]]

OURS, DJANGOS = "django-tandem", "django"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerStatus:
    """
    The handler of one process, its threads for requests, and its long connections.

    ``refused`` are the WebSockets and event streams that got 503.
    """

    pid: int
    generation: int
    handler: str
    size: int = 0
    idle: int = 0
    queued: int = 0
    overflow: int = 0
    rejected: int = 0
    websockets: int = 0
    streams: int = 0
    refused: int = 0


class HandlerReport:
    """Writes the status of this process once a second, from its first request on."""

    def __init__(
        self, application: Application, run_dir: Path, generation: int, handler: str, count: Count
    ) -> None:
        self.application = application
        self.run_dir = run_dir
        self.generation = generation
        self.handler = handler
        self.count = count
        self.pid = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Not when it is made: a preloading master makes it, and its workers serve.
        if self.pid != os.getpid():
            self.pid = os.getpid()
            self._start()
        await self.application(scope, receive, send)

    def _start(self) -> None:
        remove_stale(self.run_dir)
        path = self.run_dir / f"{PREFIX}{self.pid}.json"
        atexit.register(path.unlink, missing_ok=True)
        thread = threading.Thread(target=self._write_all, args=(path,), daemon=True)
        # Without one, `tandem status` does not know this process.
        with contextlib.suppress(RuntimeError):
            thread.start()

    def _write_all(self, path: Path) -> None:
        before, wait = None, threading.Event().wait
        while True:
            now = self.read()
            if now != before:
                before = now
                # On a full disk the old counts stay.
                with contextlib.suppress(OSError):
                    _write(path, now)
            wait(WRITE_EVERY_S)

    def read(self) -> HandlerStatus:
        """Return the status of this process."""
        return HandlerStatus(
            pid=self.pid, generation=self.generation, handler=self.handler, **self.count()
        )


def from_environment(application: Application, handler: str, count: Count) -> Application:
    """
    Return the application with a report for the run directory that the environment names.

    ``count`` returns the counts of a HandlerStatus by name.
    """
    run_dir = os.environ.get(environment.RUN_DIR)
    if not run_dir:
        return application
    generation = int(os.environ.get(environment.GENERATION) or 0)
    return HandlerReport(application, Path(run_dir), generation, handler, count)


def read_all(run_dir: Path) -> tuple[HandlerStatus, ...]:
    """Return the status of each running process, by pid."""
    found = (_read(path) for path in sorted(run_dir.glob(f"{PREFIX}*.json")))
    alive = [each for each in found if each is not None and psutil.pid_exists(each.pid)]
    return tuple(sorted(alive, key=lambda each: each.pid))


def remove_stale(run_dir: Path) -> None:
    """Remove the files of processes that were killed."""
    alive = {each.pid for each in read_all(run_dir)}
    for path in run_dir.glob(f"{PREFIX}*.json"):
        if path.stem.removeprefix(PREFIX) not in map(str, alive):
            path.unlink(missing_ok=True)


def _read(path: Path) -> HandlerStatus | None:
    # A damaged file is treated as missing.
    try:
        return HandlerStatus(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _write(path: Path, status: HandlerStatus) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(status)))
    new.replace(path)

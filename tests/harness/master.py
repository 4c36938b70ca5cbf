"""Starts the shared master on two Unix sockets, and talks to its workers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from django_tandem.inprocess.worker_process import booting_name, process_name
from django_tandem.model import Bind, Stack
from django_tandem.plan.stack_servers import ENTRY_POINTS
from django_tandem.servers import shared_master
from django_tandem.servers.server import Launch
from django_tandem.servers.uvicorn import UVICORN
from harness import forking
from harness.client import wait_for
from harness.server import TESTS, Response, UnixConnection, end

SITE = TESTS / "system" / "master" / "site"
START_S = 40
GRACE_S = 4


@dataclass(frozen=True)
class Master:
    """A running master, with its logs and sockets in ``directory``."""

    process: "forking.Fork | subprocess.Popen[bytes]"
    directory: Path

    def socket(self, stack: str) -> Path:
        return self.directory / f"{stack}-1.sock"

    def log(self, kind: str = "master") -> str:
        path = self.directory / f"{kind}-1.log"
        return path.read_text() if path.exists() else ""

    def ask(self, stack: str, path: str = "/process", timeout: float = 30) -> Response:
        connection = UnixConnection(self.socket(stack), timeout)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return Response(response.status, response.headers, response.read())
        finally:
            connection.close()

    def workers(self, kind: str) -> set[int]:
        """Return the pids of the workers of a kind."""
        names = (booting_name(kind), process_name(kind))
        found = set()
        with suppress(psutil.NoSuchProcess):
            for each in psutil.Process(self.process.pid).children():
                # One that has ended since leaves the others.
                with suppress(psutil.NoSuchProcess):
                    if each.name() in names:
                        found.add(each.pid)
        return found

    @property
    def imports(self) -> list[str]:
        """The pids of the processes that have imported the project's settings."""
        return (self.directory / "imports").read_text().split()

    def stop(self) -> int:
        """Stop it as the supervisor does; return its exit code."""
        self.process.terminate()
        return self.process.wait(GRACE_S + 4)


@contextmanager
def starting(
    directory: Path,
    *,
    wsgi: int = 2,
    asgi: int = 2,
    timeout_s: int = 30,
    binds: Mapping[Stack, Bind] | None = None,
    wsgi_args: tuple[str, ...] = (),
    asgi_args: tuple[str, ...] = (),
    max_requests: int = 0,
    environment: Mapping[str, str] | None = None,
    may_fork: bool = True,
    **options: object,
) -> Iterator[Master]:
    """
    Start the master on the project beside its tests, and end it; no workers, no stack.

    Unless it ``may_fork``, it has its own interpreter: where its command line, its memory or its
    exit matters, or it restarts itself.
    """

    def launch(stack: Stack, workers: int, args: tuple[str, ...]) -> Launch | None:
        if not workers:
            return None
        return Launch(
            python=sys.executable,
            application=ENTRY_POINTS[stack],
            socket=str(directory / f"{stack}-1.sock"),
            workers=workers,
            timeout_s=timeout_s,
            grace_s=GRACE_S,
            max_requests=max_requests,
            args=args,
            bind=(binds or {}).get(stack),
        )

    argv = shared_master.argv(
        shared_master.MasterLaunch(
            wsgi=launch(Stack.WSGI, wsgi, wsgi_args),
            asgi=launch(Stack.ASGI, asgi, asgi_args),
            **options,  # type: ignore[arg-type]
        )
    )
    known = {
        "DJANGO_SETTINGS_MODULE": "mastersite.settings",
        "PROJECT_DIRECTORY": str(directory),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "TANDEM_ASGI_APPLICATION": "mastersite.asgi.application",
        "TANDEM_WSGI_APPLICATION": "mastersite.wsgi.application",
        "TANDEM_RUN_DIR": str(directory),
        "TANDEM_GENERATION": "1",
        "TANDEM_HANDOVER": "1",
        **dict(UVICORN.environment),
    }
    with (directory / "master-1.log").open("ab") as log:
        environment = {**os.environ, **known, **(environment or {})}
        process = forking.in_session(argv, SITE, environment, log, may_fork=may_fork)
    try:
        yield Master(process, directory)
    finally:
        end(process)


@contextmanager
def serving(directory: Path, **options: object) -> Iterator[Master]:
    """Start the master, wait until both stacks are ready, and end it."""
    with starting(directory, **options) as master:  # type: ignore[arg-type]
        wait_until_ready(master)
        yield master


def wait_until_ready(master: Master, stacks: Iterable[Stack] = tuple(Stack)) -> None:
    until = time.monotonic() + START_S
    for stack in stacks:
        while not _is_ready(master, stack.value):
            assert master.process.poll() is None, master.log()
            assert time.monotonic() < until, master.log() + master.log(stack.value)
            time.sleep(0.05)


def _is_ready(master: Master, stack: str) -> bool:
    try:
        return master.ask(stack, "/.tandem/ready", timeout=5).body == b"ready"
    except OSError:
        return False


def wait_for_workers(master: Master, kind: str, count: int) -> set[int]:
    """Wait until so many workers of a kind run; return their pids."""
    wait_for(lambda: len(master.workers(kind)) == count)
    return master.workers(kind)

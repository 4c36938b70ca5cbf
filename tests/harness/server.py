"""Starts one server on a Unix socket, and talks to it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django_tandem import servers
from django_tandem.model import Bind, PeerTls
from django_tandem.plan.stack_servers import ENTRY_POINTS
from harness import forking
from harness.client import ask

TESTS = Path(__file__).parents[1]
HERE = TESTS / "system" / "servers"
SOURCE = TESTS.parent / "src"
START_S = 30
GRACE_S = 4
TIMEOUT_S = 30


@dataclass(frozen=True)
class Response:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass(frozen=True)
class Running:
    """A running server on the Unix socket ``socket``, and on the address ``bind`` if it has one."""

    server: servers.Server
    process: "forking.Fork | subprocess.Popen[bytes]"
    socket: Path
    directory: Path
    grace_s: int = GRACE_S
    bind: Bind | None = None

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def ask(self, method="GET", path="/plain", body=None, headers=(), *, chunked=False):
        connection = UnixConnection(self.socket)
        try:
            connection.request(method, path, body, dict(headers), encode_chunked=chunked)
            response = connection.getresponse()
            return Response(response.status, response.headers, response.read())
        finally:
            connection.close()

    def stop(self):
        """Ask it to end as the supervisor does; return its exit code."""
        self.process.send_signal(getattr(signal, f"SIG{self.server.stop_signal}"))
        return self.process.wait(self.grace_s + 2)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("project.test", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


@contextmanager
def serving(
    server: servers.Server,
    directory: Path,
    *,
    workers: int = 1,
    timeout_s: int = TIMEOUT_S,
    grace_s: int = GRACE_S,
    queue: int = 1024,
    max_requests: int = 0,
    args: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    bind: Bind | None = None,
    tls: PeerTls | None = None,
    may_fork: bool = True,
) -> Iterator[Running]:
    """
    Start the server on the project beside this file, wait until it is ready, end it.

    Unless it ``may_fork``, it has its own interpreter: where it starts itself anew.
    """
    launch = servers.Launch(
        python=sys.executable,
        application=ENTRY_POINTS[server.stack],
        socket=str(directory / "s"),
        workers=workers,
        timeout_s=timeout_s,
        grace_s=grace_s,
        queue=queue,
        max_requests=max_requests,
        args=args,
        bind=bind,
        tls=tls,
    )
    known = {
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "PROJECT_DIRECTORY": str(directory),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TANDEM_ASGI_APPLICATION": "project.asgi.application",
    }
    with (directory / "log").open("wb") as log:
        environment = {**os.environ, **known, **dict(server.environment), **(environment or {})}
        process = forking.in_session(server.argv(launch), HERE, environment, log, may_fork=may_fork)
    running = Running(server, process, directory / "s", directory, grace_s, bind)
    try:
        wait_until_ready(running)
        yield running
    finally:
        end(process)


def wait_until_ready(running: Running) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert running.process.poll() is None, running.log
        try:
            if _is_ready(running):
                return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"{running.server.name} is not ready:\n{running.log}")


def _is_ready(running: Running) -> bool:
    if running.bind is not None and running.server.one_address:
        return ask(running.bind.port, "/.tandem/ready").body == b"ready"
    return running.ask(path="/.tandem/ready").body == b"ready"


def process_ids(running: Running) -> set[int]:
    """Return the processes that answer a burst of requests."""
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: running.ask(path="/process"), range(8))
        return {json.loads(answer.body)["pid"] for answer in answers}


def end(process: "forking.Fork | subprocess.Popen[bytes]") -> None:
    """Kill the process and its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

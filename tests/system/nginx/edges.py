"""The rendered edge on either NGINX, in front of servers that run already."""

import base64
import functools
import pickle
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django_tandem import pipeline
from django_tandem.model import Nginx, Project
from django_tandem.render.nginx import TARGET
from django_tandem.runtime import run_dir
from django_tandem.runtime.host import read_host
from django_tandem.runtime.nginx_environment import nginx_environment
from django_tandem.settings import read_settings
from harness import forking
from harness.client import Answer, ask, exchange, wait_for
from harness.stack import DEADLINE_S, clean_environment, free_port

PICKLED_PROJECT = Path(forking.__file__).with_name("pickled_project.py")


@dataclass(frozen=True)
class Edge:
    """NGINX on ``port``; what it printed is in its directory's ``log``."""

    port: int
    directory: Path

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def ask(self, target: str, method: str = "GET", headers: Iterable = (), **more: Any) -> Answer:
        return ask(self.port, target, method, headers, **more)

    def exchange(self, *lines: str) -> bytes:
        """Send one request as it stands, and return the whole of the answer."""
        return exchange(self.port, request(*lines))


def request(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


@contextmanager
def running_edge(
    project: Path,
    nginx: Nginx,
    sockets: Path,
    *,
    port: int | None = None,
    naive: Iterable[tuple[str, str]] = (),
    environment: Mapping[str, str] | None = None,
    **setting: Any,
) -> Iterator[Edge]:
    """
    Run what `tandem render nginx` writes for ``project`` with this TANDEM ``setting``.

    The servers' sockets are in ``sockets``. ``naive`` are texts of the file and what a less
    careful author would have written. ``environment`` is that of `tandem render`.
    """
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        directory = Path(path)
        setting = {"BIND": f"127.0.0.1:{port}", **setting}
        render(project, directory, nginx, setting, environment)
        weaken(directory / "nginx.conf", naive)
        for name in ("wsgi.sock", "asgi.sock"):
            (directory / name).symlink_to(sockets / name)
        with started(nginx, directory):
            edge = Edge(port, directory)
            wait_for(lambda: listens(port))
            yield edge


def render(
    project: Path,
    directory: Path,
    nginx: Nginx,
    setting: dict[str, Any],
    environment: Mapping[str, str] | None = None,
) -> None:
    edge = {"NGINX": nginx.program, **setting.get("EDGE", {})}
    loaded = pipeline.Loaded(
        project=load_project(project, frozenset((environment or {}).items())),
        settings=read_settings({**setting, "EDGE": edge}),
        application=None,
    )
    plan = pipeline.plan(
        loaded, pipeline.decide(loaded), read_host(nginx.program), run_dir=str(directory)
    )
    run_dir.prepare(directory, is_committed=True)
    pipeline.write(pipeline.render(plan, [TARGET]), directory)


@functools.cache
def load_project(directory: Path, environment: frozenset[tuple[str, str]]) -> Project:
    """Load the project as a command does, once for all edges: only their TANDEM differs."""
    environ = clean_environment() | dict(environment)
    done = forking.run([str(PICKLED_PROJECT)], directory, environ, timeout_s=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    return pickle.loads(base64.b64decode(done.stdout))


def weaken(conf: Path, naive: Iterable[tuple[str, str]]) -> None:
    text = conf.read_text()
    for careful, careless in naive:
        assert careful in text
        text = text.replace(careful, careless)
    conf.write_text(text)


@contextmanager
def started(nginx: Nginx, directory: Path) -> Iterator[None]:
    # Appended to: NGINX opens it a second time, for the access log.
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(
            [nginx.program, "-p", f"{directory}/", "-c", "nginx.conf", "-e", "stderr"],
            cwd=directory,
            env=nginx_environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def listens(port: int, host: str = "127.0.0.1") -> bool:
    with ExitStack() as stack:
        try:
            stack.enter_context(socket.create_connection((host, port), timeout=2))
        except ConnectionRefusedError:
            return False
        return True


@dataclass
class Recorder:
    """A server that keeps each request as it comes, and answers it with 200."""

    requests: list[bytes] = field(default_factory=list)

    @contextmanager
    def listening(self, *paths: Path) -> Iterator["Recorder"]:
        with ExitStack() as stack:
            for path in paths:
                listener = stack.enter_context(socket.socket(socket.AF_UNIX))
                listener.bind(str(path))
                listener.listen()
                threading.Thread(target=self._serve, args=(listener,), daemon=True).start()
            yield self

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def insecure() -> ssl.SSLContext:
    """A client that takes any certificate, and would speak HTTP/2."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context

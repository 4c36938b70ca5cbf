"""Both stacks of the test project behind a real edge, rendered by the project itself."""

import getpass
import os
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers.conftest import directory

import builders
from django_tandem import output
from django_tandem.model import ForwardedHeaders
from django_tandem.render import nginx
from harness.server import serving
from harness.stack import free_port

__all__ = ["directory", "edge_before", "started"]


@dataclass(frozen=True)
class Edge:
    """NGINX on a free port of 127.0.0.1 and ::1, ``wsgi`` and ``asgi`` behind it."""

    wsgi: str
    asgi: str
    port: int

    def exchange(self, request: bytes, host: str = "127.0.0.1") -> bytes:
        """Send the bytes as they are, and return all that comes until the connection ends."""
        with socket.create_connection((host, self.port), timeout=20) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture(scope="session")
def started():
    """Start a server once for all tests that need it, and return its socket."""
    sockets = {}
    with ExitStack() as stack:

        def start(server):
            if server not in sockets:
                directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-"))
                running = stack.enter_context(serving(server, Path(directory), workers=2))
                sockets[server] = running.socket
            return sockets[server]

        yield start


@contextmanager
def edge_before(nginx_program, wsgi, asgi, started, **edge_settings):
    """Run the edge before two servers, `/asgi/` pinned to the second."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        run_dir = Path(path)
        (run_dir / "wsgi.sock").symlink_to(started(wsgi))
        (run_dir / "asgi.sock").symlink_to(started(asgi))
        port = free_port()
        tandem = {
            "BIND": [f"127.0.0.1:{port}", f"[::1]:{port}"],
            "ROUTES": [("/asgi/", "asgi")],
            "EDGE": edge_settings,
        }
        host = builders.host(nginx=nginx_program, user=getpass.getuser(), is_root=os.geteuid() == 0)
        plan = builders.plan(
            tandem=tandem,
            run_dir=path,
            directory=path,
            on=host,
            forwarded=ForwardedHeaders(host=True, port=True),
        )
        output.write(nginx.render(plan), run_dir)
        with (run_dir / "log").open("wb") as log:
            process = subprocess.Popen(
                [nginx_program.program, "-p", f"{path}/", "-c", "nginx.conf", "-e", "stderr"],
                cwd=path,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until_listening(process, port, run_dir / "log")
            yield Edge(wsgi.name, asgi.name, port)
        finally:
            process.terminate()
            process.wait(10)


def wait_until_listening(process, port, log):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(log.read_text())

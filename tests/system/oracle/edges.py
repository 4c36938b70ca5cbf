"""The edge as it is rendered for a case, in front of two stacks that can be exchanged."""

import getpass
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

import builders
from django_tandem import output
from django_tandem.model import Nginx, Plan, Stack, Verdict
from django_tandem.render import nginx
from django_tandem.runtime.nginx_environment import nginx_environment
from harness.server import end
from harness.stack import free_port

DEADLINE_S = 20
# Requests that are written before the first response is read, and NGINX takes in one turn.
AT_ONCE = 64
STUB = """
daemon off; master_process off; pid pid; error_log stderr error;
events {{ worker_connections 256; }}
http {{
    access_log off; merge_slashes off; large_client_header_buffers 4 64k;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{ listen unix:{0}/wsgi; return 200 wsgi; }}
    server {{ listen unix:{0}/asgi; return 200 asgi; }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response; ``location`` is where it redirects to."""

    status: int
    text: str
    location: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sockets:
    """The two stacks behind an edge."""

    wsgi: Path
    asgi: Path


class Client:
    """One kept-alive connection, opened anew whenever the edge closes it."""

    def __init__(self, port: int, host: str = "oracle") -> None:
        self._port = port
        self._host = host.encode()
        self._stream: IO[bytes] | None = None

    def ask(self, target: bytes, **headers: str) -> Answer:
        (answer,) = self.ask_all([target], **headers)
        return answer

    def ask_all(self, targets: Sequence[bytes], **headers: str) -> list[Answer]:
        """Send these one behind the other, without a wait for each response (RFC 9112, 9.3.2)."""
        lines = [b"Host: " + self._host]
        lines += [f"{name}: {value}".encode() for name, value in headers.items()]
        end = b" HTTP/1.1\r\n" + b"\r\n".join([*lines, b"", b""])
        answers: list[Answer] = []
        while len(answers) < len(targets):
            sent = targets[len(answers) : len(answers) + AT_ONCE]
            stream = self._open()
            stream.write(b"".join(b"GET " + target + end for target in sent))
            stream.flush()
            for _ in sent:
                answers.append(self._read())
                if self._stream is None:
                    # What was sent behind it has no response: it is sent again.
                    break
        return answers

    def _open(self) -> IO[bytes]:
        if self._stream is None:
            connection = socket.create_connection(("127.0.0.1", self._port), timeout=DEADLINE_S)
            with connection:
                self._stream = connection.makefile("rwb")
        return self._stream

    def _read(self) -> Answer:
        status = int(self._stream.readline().split()[1])
        found = dict(self._headers())
        body = self._chunks() if b"transfer-encoding" in found else [self._take(found)]
        text = b"".join(body).decode()
        if found.get(b"connection") == b"close":
            self.close()
        return Answer(status=status, text=text, location=found.get(b"location", b""))

    def _headers(self) -> Iterator[tuple[bytes, bytes]]:
        while line := self._stream.readline().strip():
            name, _, value = line.partition(b":")
            yield name.lower(), value.strip()

    def _take(self, found: dict[bytes, bytes]) -> bytes:
        return self._stream.read(int(found.get(b"content-length", 0)))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._stream.readline(), 16):
            yield self._stream.read(size)
            self._stream.readline()
        self._stream.readline()

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A running NGINX."""

    port: int
    directory: Path

    def ask(self, targets: Sequence[bytes], **headers: str) -> list[Answer]:
        """Ask for one target after the other."""
        with closing(Client(self.port)) as client:
            return client.ask_all(targets, **headers)

    def refuses(self, targets: Sequence[bytes]) -> list[Answer]:
        """Ask for targets that the edge refuses, which ends the connection: one at a time."""
        with closing(Client(self.port)) as client:
            return [client.ask(target) for target in targets]

    def stand_before(self, sockets: Sockets) -> None:
        """Ask these stacks from now on, as after a reload."""
        for stack in Stack:
            link = self.directory / "new"
            link.symlink_to(getattr(sockets, stack))
            link.rename(self.directory / f"{stack}.sock")


@contextmanager
def edge_for(program: Nginx, verdicts: Sequence[Verdict], sockets: Sockets) -> Iterator[Edge]:
    """Run the edge that is rendered for these verdicts, by the settings of the moment."""
    # Not pytest's own directory: a socket's path has to be short.
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        directory, port = Path(path), free_port()
        output.write(nginx.render(plan_for(program, verdicts, directory, port)), directory)
        edge = Edge(port=port, directory=directory)
        edge.stand_before(sockets)
        with running(program, directory, lambda: listens(port)):
            yield edge


def plan_for(program: Nginx, verdicts: Sequence[Verdict], directory: Path, port: int) -> Plan:
    """Plan the edge of a project with these routes, and with no other setting than a port."""
    script_name = settings.FORCE_SCRIPT_NAME
    return builders.plan(
        *verdicts,
        tandem={"BIND": f"127.0.0.1:{port}"},
        # One worker: a start costs less, and each would route alike.
        on=builders.host(
            nginx=program, cpus=1.0, user=getpass.getuser(), is_root=os.geteuid() == 0
        ),
        run_dir=str(directory),
        directory=str(directory),
        **({"script_name": script_name} if script_name else {}),
    )


@contextmanager
def stubs(program: Nginx) -> Iterator[Sockets]:
    """Run two stacks that only say which of the two they are."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        directory = Path(path)
        (directory / "nginx.conf").write_text(STUB.format(path))
        found = Sockets(wsgi=directory / "wsgi", asgi=directory / "asgi")
        with running(program, directory, found.asgi.exists):
            yield found


@contextmanager
def running(program: Nginx, directory: Path, is_ready: Callable[[], bool]) -> Iterator[None]:
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [program.program, "-p", f"{directory}/", "-c", "nginx.conf", "-e", "stderr"],
            cwd=directory,
            env=nginx_environment(),
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    until = time.monotonic() + DEADLINE_S
    try:
        while not is_ready():
            assert process.poll() is None, (directory / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.002)
        yield
    finally:
        # Asked to go, it would wait for its workers, and there are hundreds to be run.
        end(process)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True

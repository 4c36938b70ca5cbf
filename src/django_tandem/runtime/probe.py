"""The word of a real NGINX: the rendered rules, asked in an instance that lives for a moment."""

import http.client
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from django_tandem import output
from django_tandem.errors import RefusedError
from django_tandem.model import EdgeRule, Nginx, Plan, Stack
from django_tandem.render import probe

DEADLINE_S = 10
POLL_S = 0.002
LOG = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request as a client would send it; ``target`` is the path and query, percent-encoded."""

    method: str
    target: str
    host: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """
    What NGINX would do with a request.

    ``stack`` is None when the edge answers by itself, with ``status``: 200 for a file, else a
    refusal. ``number`` is the place from 1 on of the ``rule`` that matched, if one did. ``target``
    is what is passed on, and ``is_stripped`` when a prefix was taken off it. ``is_no_file`` says
    that the edge would have served a file there.
    """

    status: int
    stack: Stack | None
    number: int
    rule: EdgeRule | None
    is_websocket: bool
    target: str
    is_stripped: bool
    is_no_file: bool


Ask = Callable[[Question], Said]


@contextmanager
def asking(plan: Plan) -> Iterator[Ask]:
    """
    Run an NGINX with the rules of ``plan`` on a socket of its own, and yield how to ask it.

    Raises RefusedError, with NGINX's own line, when it takes no such rules.
    """
    with tempfile.TemporaryDirectory(prefix="tandem-") as scratch:
        directory = Path(scratch)
        # Paths are written from the directory that the file lies in.
        output.write([probe.render(replace(plan, run_dir=scratch))], directory)
        process = _started(plan.edge.nginx, directory)
        try:
            _connected(process, directory).close()
            yield lambda question: _ask(question, _connected(process, directory), plan)
        finally:
            process.kill()
            process.wait()


def _started(nginx: Nginx, directory: Path) -> subprocess.Popen[bytes]:
    with (directory / LOG).open("wb") as log:
        return subprocess.Popen(
            [nginx.program, "-p", f"{directory}/", "-c", "nginx.conf", "-e", "stderr"],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )


def _connected(process: subprocess.Popen[bytes], directory: Path) -> socket.socket:
    until = time.monotonic() + DEADLINE_S
    while process.poll() is None and time.monotonic() < until:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(DEADLINE_S)
        try:
            connection.connect(str(directory / probe.SOCKET))
        except OSError:
            connection.close()
            time.sleep(POLL_S)
        else:
            return connection
    said = (directory / LOG).read_text(errors="replace").strip()
    raise RefusedError(
        "NGINX refuses the rules that were rendered for it.",
        hint=said or f"It did not listen within {DEADLINE_S} s.",
    )


def _ask(question: Question, connected: socket.socket, plan: Plan) -> Said:
    connection = http.client.HTTPConnection("localhost", timeout=DEADLINE_S)
    connection.sock = connected
    try:
        connection.putrequest(
            question.method, question.target, skip_host=True, skip_accept_encoding=True
        )
        for name, value in (("Host", question.host), *question.headers):
            connection.putheader(name, value.encode())
        connection.endheaders()
        return _said(connection.getresponse(), question, plan)
    finally:
        connection.close()


def _said(answer: http.client.HTTPResponse, question: Question, plan: Plan) -> Said:
    target = answer.getheader("X-Tandem-Target") or question.target
    stack = answer.getheader("X-Tandem-Stack")
    number = int(answer.getheader("X-Tandem-Rule") or 0)
    return Said(
        status=answer.status,
        stack=Stack(stack) if stack else None,
        number=number,
        rule=plan.edge.rules[number - 1] if number else None,
        is_websocket=bool(answer.getheader("X-Tandem-Upgrade")),
        target=target,
        is_stripped=target != question.target,
        is_no_file=bool(answer.getheader("X-Tandem-No-File")),
    )

"""Dry run of the edge: a real NGINX with the rendered rules evaluates requests, and exits."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPResponse
from pathlib import Path

from django_tandem import output
from django_tandem.errors import RefusedError
from django_tandem.model import EdgeRule, Nginx, Plan, Stack
from django_tandem.render.nginx import DRY_RUN_SOCKET, render_dry_run
from django_tandem.runtime import run_dir
from django_tandem.runtime.nginx_environment import nginx_environment
from django_tandem.unix_http import UnixConnection

DEADLINE_S = 10
POLL_S = 0.002
LOG = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRequest:
    """
    A request as a client would send it; ``target`` is the path and query, percent-encoded.

    ``is_plain_http`` is true where its URL names the scheme http or ws.
    """

    method: str
    target: str
    host: str
    headers: tuple[tuple[str, str], ...] = ()
    is_plain_http: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeDecision:
    """
    How NGINX would serve a request.

    ``stack`` is None when the edge answers itself, with ``status``: 200 for a file, or an error.
    ``number`` is the place from 1 on of the ``rule`` that matched, or 0. ``target`` is passed to
    the stack, and ``is_stripped`` is true when a prefix was removed. ``is_no_file`` is true for a
    path of static or media files at which there is no file.
    """

    status: int
    stack: Stack | None
    number: int
    rule: EdgeRule | None
    is_websocket: bool
    target: str
    is_stripped: bool
    is_no_file: bool


Evaluate = Callable[[EdgeRequest], EdgeDecision]


@contextmanager
def dry_run(plan: Plan) -> Iterator[Evaluate]:
    """
    Run an NGINX with the rules of ``plan`` on its own socket, and yield a function to call it.

    Raises RefusedError, with NGINX's own line, when NGINX rejects the rules.
    """
    with tempfile.TemporaryDirectory(prefix="tandem-", dir=_short_directory()) as scratch:
        directory = Path(scratch)
        # Paths in the file are relative to its directory.
        output.write([render_dry_run(replace(plan, run_dir=scratch))], directory)
        process = _start(plan.edge.nginx, directory)
        try:
            _connect(process, directory).close()
            yield lambda request: _evaluate(request, _connect(process, directory), plan)
        finally:
            process.kill()
            process.wait()


def _short_directory() -> str | None:
    """Return where a scratch directory has room for a socket's path; None for TMPDIR."""
    longest = run_dir.MAX_BYTES - len("/tandem-12345678")
    return None if len(os.fsencode(tempfile.gettempdir())) <= longest else "/tmp"  # noqa: S108


def _start(nginx: Nginx, directory: Path) -> subprocess.Popen[bytes]:
    with (directory / LOG).open("wb") as log:
        return subprocess.Popen(
            [nginx.program, "-p", f"{directory}/", "-c", "nginx.conf", "-e", "stderr"],
            cwd=directory,
            env=nginx_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )


def _connect(process: subprocess.Popen[bytes], directory: Path) -> UnixConnection:
    until = time.monotonic() + DEADLINE_S
    while process.poll() is None and time.monotonic() < until:
        connection = UnixConnection(directory / DRY_RUN_SOCKET, timeout_s=DEADLINE_S)
        try:
            connection.connect()
        except OSError:
            time.sleep(POLL_S)
        else:
            return connection
    log = (directory / LOG).read_text(errors="replace").strip()
    raise RefusedError(
        "NGINX rejects the rules that were rendered for it.",
        hint=log or f"It did not listen within {DEADLINE_S} s.",
    )


def _evaluate(request: EdgeRequest, connection: UnixConnection, plan: Plan) -> EdgeDecision:
    try:
        connection.putrequest(
            request.method, request.target, skip_host=True, skip_accept_encoding=True
        )
        for name, value in (("Host", request.host), *request.headers):
            connection.putheader(name, value.encode())
        connection.endheaders()
        return _decision(connection.getresponse(), request, plan)
    finally:
        connection.close()


def _decision(response: HTTPResponse, request: EdgeRequest, plan: Plan) -> EdgeDecision:
    target = response.getheader("X-Tandem-Target") or request.target
    stack = response.getheader("X-Tandem-Stack")
    number = int(response.getheader("X-Tandem-Rule") or 0)
    return EdgeDecision(
        status=response.status,
        stack=Stack(stack) if stack else None,
        number=number,
        rule=plan.edge.rules[number - 1] if number else None,
        is_websocket=bool(response.getheader("X-Tandem-Upgrade")),
        target=target,
        is_stripped=target != request.target,
        is_no_file=bool(response.getheader("X-Tandem-No-File")),
    )

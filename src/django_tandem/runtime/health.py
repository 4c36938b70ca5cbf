"""Health checks: whether each program does its work."""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

from django_tandem.model import Bind, Process, Stack, WorkerKind, programs
from django_tandem.model.readiness import READY_PATH
from django_tandem.model.state import State
from django_tandem.runtime.state import METRICS_SOCKET
from django_tandem.runtime.workers import Workers, workers_of
from django_tandem.unix_http import NO_HEADERS, UnixConnection, connect

# How long one health check may take.
CHECK_S = 2
# A program without a health check is healthy when it has stayed up for so long.
UP_S = 2
# The edge's own response, from the template ready.conf.j2.
EDGE_PATH = "/.tandem/edge"
# NGINX's own answers while no stack is up behind it.
NO_STACK = (502, 503, 504)

# How a check that passed shows.
ANSWERS, RUNS = "answers on its socket", "runs"
# A WebSocket handshake (RFC 6455, 1.3). A server has other code for it than for HTTP, so that an
# answer to the one says nothing of the other.
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

# The pid of a master and a kind of its workers that has answered.
Answered = set[tuple[int, str]]


def check(process: Process, state: State, pid: int, answered: Answered | None = None) -> str:
    """
    Run the health check of a running process; return how it shows, or an empty string.

    Kinds of a master that have ``answered`` are not checked again; those that answer are added.
    """
    if process.is_master:
        return "" if silent_kinds(process, pid, answered) else f"{ANSWERS}s"
    return _check_of(process)(process, state)


def silent_kinds(process: Process, pid: int, answered: Answered | None = None) -> list[str]:
    """Return the kinds of workers that do not answer on their socket, else those that don't run."""
    answered = set() if answered is None else answered
    serving = [kind for kind in process.kinds if kind.stack]
    answered.update(
        (pid, each.name) for each in serving if (pid, each.name) not in answered and _answers(each)
    )
    silent = [each.name for each in serving if (pid, each.name) not in answered]
    without_socket = [kind for kind in process.kinds if not kind.stack]
    if silent or not without_socket:
        return silent
    # To find the workers, all processes are read: only once the sockets answer.
    workers = workers_of(pid)
    return [kind.name for kind in without_socket if not does_work(kind, workers)]


def does_work(kind: WorkerKind, workers: Workers) -> bool:
    """Return whether a kind of a shared master's ``workers`` answers on its socket, or stays up."""
    if kind.stack:
        return _answers(kind)
    return workers is None or any(
        each.is_ready and each.uptime_s >= UP_S for each in workers[kind.name]
    )


def has_no_check(process: Process) -> bool:
    """Return whether a process is healthy as long as it stays up."""
    return _check_of(process) is _check_running


def is_healthy(
    place: Path | Bind, headers: Mapping[str, str] = NO_HEADERS, *, status: int = 200
) -> bool:
    """Send the readiness request to the server at a socket or an address; return if it answers."""
    return _status_of(place, READY_PATH, headers) == status


def _status_of(
    place: Path | Bind, target: str, headers: Mapping[str, str] = NO_HEADERS
) -> int | None:
    """Return the status that a server answers with; None without an answer."""
    try:
        with contextlib.closing(_connection_to(place)) as connection:
            connection.request("GET", target, headers=dict(headers))
            return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None


def _check_of(process: Process) -> Callable[[Process, State], str]:
    if process.stacks:
        return _check_server
    if process.name == programs.NGINX:
        return _check_edge
    if process.name == programs.MONITOR:
        return _check_monitor
    return _check_redis if process.sockets else _check_running


def _check_server(process: Process, _state: State) -> str:
    return ANSWERS if all(map(_answers, process.kinds)) else ""


def _answers(kind: WorkerKind) -> bool:
    # A server that can't have both listens on its address alone.
    place = kind.bind.local if kind.bind and not kind.socket else Path(kind.socket or "")
    if kind.stack is Stack.ASGI and not is_healthy(place, HANDSHAKE, status=101):
        return False
    return is_healthy(place)


def _check_edge(_process: Process, state: State) -> str:
    host = Bind(host=state.host, port=state.port).local.host
    name = state.server_name or host
    connection = http.client.HTTPConnection(name, state.port, timeout=CHECK_S)
    try:
        connection.sock = socket.create_connection((host, state.port), timeout=CHECK_S)
        if state.url.startswith("https:"):
            # Whether the certificate is valid for the name does not matter here.
            context = ssl._create_unverified_context()  # noqa: S323
            connection.sock = context.wrap_socket(connection.sock, server_hostname=name)
        # Stacks on other hosts may start later, and need no edge for it.
        connection.request("GET", EDGE_PATH if state.has_peers else READY_PATH)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
    return "" if status in NO_STACK else f"answers on {state.url}"


def _check_monitor(process: Process, _state: State) -> str:
    # Its directory is the run directory. What it collects takes longer than to answer a 404.
    found = _status_of(Path(process.directory) / METRICS_SOCKET, READY_PATH)
    return "" if found is None else ANSWERS


def _check_redis(process: Process, _state: State) -> str:
    # A server that is stopped or stuck still has connections accepted by the kernel.
    try:
        with connect(process.sockets[0], timeout_s=CHECK_S) as connection:
            connection.sendall(b"PING\r\n")
            return ANSWERS if connection.recv(64).startswith(b"+PONG") else ""
    except OSError:
        return ""


def _check_running(_process: Process, _state: State) -> str:
    return RUNS


def _connection_to(place: Path | Bind) -> http.client.HTTPConnection:
    if isinstance(place, Path):
        return UnixConnection(place, timeout_s=CHECK_S)
    connection = http.client.HTTPConnection("localhost", timeout=CHECK_S)
    connection.sock = socket.create_connection((place.host, place.port), timeout=CHECK_S)
    return connection

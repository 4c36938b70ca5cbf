"""Whether one process does its work: each is asked over its own socket, in its own way."""

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

from django_tandem.inprocess.readiness import READY_PATH
from django_tandem.model import Process, Stack
from django_tandem.render.state import State
from django_tandem.runtime.edge import EDGE

ANSWER_S = 2

EMPTY: Mapping[str, str] = {}
# A handshake (RFC 6455, 1.3), which each ASGI server answers in its own way.
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def ask(process: Process, state: State) -> str:
    """Ask a process that runs whether it does its work; return how it shows, or nothing."""
    return _question(process)(process, state)


def only_runs(process: Process) -> bool:
    """Return whether there is nothing to ask but whether it runs."""
    return _question(process) is _runs


def _question(process: Process) -> Callable[[Process, State], str]:
    if process.stack is not None:
        return _answers_http
    if process.name == EDGE:
        return _edge_answers
    return _listens if process.socket else _runs


def _answers_http(process: Process, _state: State) -> str:
    path = Path(process.socket or "")
    if not answers(path):
        return ""
    if process.stack is Stack.ASGI and not answers(path, HANDSHAKE, status=101):
        return ""
    return "answers on its socket"


def answers(path: Path, headers: Mapping[str, str] = EMPTY, *, status: int = 200) -> bool:
    """Ask the server on the socket ``path`` whether it is ready, and wait for its answer."""
    connection = http.client.HTTPConnection("localhost", timeout=ANSWER_S)
    try:
        connection.sock = _connected(str(path))
        connection.request("GET", READY_PATH, headers=dict(headers))
        return connection.getresponse().status == status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _edge_answers(_process: Process, state: State) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(state.host, state.host)  # noqa: S104
    name = state.server_name or host
    connection = http.client.HTTPConnection(name, state.port, timeout=2)
    try:
        connection.sock = socket.create_connection((host, state.port), timeout=2)
        if state.url.startswith("https:"):
            # Whether the certificate is good for its name is not what is asked here.
            context = ssl._create_unverified_context()  # noqa: S323
            connection.sock = context.wrap_socket(connection.sock, server_hostname=name)
        connection.request("GET", READY_PATH)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
    # Until a stack is up behind it, the edge says 502.
    return f"answers on {state.url}" if status not in (502, 503, 504) else ""


def _listens(process: Process, _state: State) -> str:
    try:
        _connected(process.socket or "").close()
    except OSError:
        return ""
    return "listens on its socket"


def _runs(_process: Process, _state: State) -> str:
    return "runs"


def _connected(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(2)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection

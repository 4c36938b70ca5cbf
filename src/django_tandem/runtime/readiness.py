"""Whether each process of a stack does its work: asked over its own socket, never slept for."""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django_tandem.model import Process, Stack, Status
from django_tandem.render.state import State
from django_tandem.runtime import supervisord
from django_tandem.runtime.sockets import FAILED
from django_tandem.served import loading

# Answered by our own entry points once the project is loaded, and only off the edge.
EDGE = "nginx"
READY_PATH = "/.tandem/ready"
POLL_S = 0.05
# What has no socket to ask is taken for up when it has not died by then.
SETTLED_S = 2
# A project may take this long to import before its first process is given up.
START_DEADLINE_S = 120
ANSWER_S = 2

# What supervisord says of a process that has ended, before its time or for good.
ENDED = ("BACKOFF", "EXITED", "FATAL")

EMPTY: Mapping[str, str] = {}
# A handshake (RFC 6455, 1.3), which each ASGI server answers in its own way.
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """One process that does its work, and how that is known."""

    process: Process
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """One process that was given up, or None when supervisord itself went away."""

    process: Process | None
    because: str


Known = Mapping[str, Status]


def watch(state: State, run_dir: Path, is_alive: Callable[[], bool]) -> Iterator[Ready | Dead]:
    """
    Yield each process of ``state`` as it becomes ready, or the one that won't, and end there.

    ``is_alive`` tells whether supervisord itself still runs.
    """

    def given_up(_known: Known) -> Dead | None:
        failed = _failed(state, run_dir)
        if failed is None and not is_alive():
            return Dead(process=None, because="supervisord ended")
        return failed

    yield from _wait(state.processes, state, run_dir, given_up, START_DEADLINE_S)


def prove(
    processes: Sequence[Process], state: State, run_dir: Path, *, deadline_s: float
) -> Iterator[Ready | Dead]:
    """Yield each of a new generation's ``processes`` as it becomes ready, or the first to die."""
    first_pids: dict[str, int] = {}

    def given_up(known: Known) -> Dead | None:
        if not known:
            return Dead(process=None, because="supervisord ended")
        for process in processes:
            status = known.get(process.program)
            pid = status.pid if status else 0
            is_other = pid != first_pids.setdefault(process.program, pid) if pid else False
            if status and (status.state in ENDED or is_other):
                return Dead(process=process, because=status.detail or "it ended")
            if loading.failure(run_dir, process.program):
                return Dead(process=process, because="it can't load the project")
        return None

    yield from _wait(processes, state, run_dir, given_up, deadline_s)


def _wait(
    processes: Sequence[Process],
    state: State,
    run_dir: Path,
    given_up: Callable[[Known], Dead | None],
    deadline_s: float,
) -> Iterator[Ready | Dead]:
    waiting = list(processes)
    until = time.monotonic() + deadline_s
    while waiting:
        try:
            known = {each.name: each for each in supervisord.statuses(run_dir)}
        except OSError:
            known = {}
        dead = given_up(known)
        if dead is not None:
            yield dead
            return
        for process in _askable(waiting):
            because = _ask(process, known.get(process.program), state)
            if because:
                waiting.remove(process)
                yield Ready(process=process, because=because)
        if waiting and time.monotonic() > until:
            yield Dead(process=waiting[0], because=f"no answer within {deadline_s:g} s")
            return
        time.sleep(POLL_S)


def ask(process: Process, state: State) -> str:
    """Ask a process that runs whether it does its work; return how it shows, or nothing."""
    return _question(process)(process, state)


def _askable(waiting: list[Process]) -> list[Process]:
    # The edge answers only for what is behind it, and would log each question it had to refuse.
    behind = [process for process in waiting if process.name != EDGE]
    return behind or list(waiting)


def _ask(process: Process, status: Status | None, state: State) -> str:
    if status is None or not status.pid:
        return ""
    if _question(process) is _runs and status.since_s < SETTLED_S:
        return ""
    return ask(process, state)


def _failed(state: State, run_dir: Path) -> Dead | None:
    try:
        name, because = (run_dir / FAILED).read_text().split("\n", 1)
    except FileNotFoundError:
        return None
    process = next((each for each in state.processes if each.program == name), None)
    return Dead(process=process, because=because)


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

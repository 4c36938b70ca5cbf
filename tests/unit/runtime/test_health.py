"""The health checks of processes."""

import socket
import threading
from dataclasses import replace
from pathlib import Path

from builders import plan
from django_tandem.model import Process, Stack, WorkerKind
from django_tandem.model.state import planned_state
from django_tandem.runtime import health
from django_tandem.runtime.health import check, silent_kinds

STATE = planned_state(plan())


def redis(path: Path) -> Process:
    """Return the process of an embedded Redis."""
    return Process(
        name="valkey",
        argv=("valkey",),
        description="",
        directory="/",
        priority=10,
        kinds=(WorkerKind(name="valkey", description="", socket=str(path)),),
    )


def serve(path: Path, answer: bytes) -> socket.socket:
    """Answer the first connection to a socket; without an answer it is accepted by the kernel."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def accept() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(64)
            connection.sendall(answer)

    if answer:
        threading.Thread(target=accept, daemon=True).start()
    return listener


def test_a_redis_that_answers_is_healthy(tmp_path) -> None:
    """To a PING."""
    with serve(tmp_path / "s", b"+PONG\r\n"):
        assert check(redis(tmp_path / "s"), STATE, 1) == "answers on its socket"


def test_a_redis_that_hangs_is_not_healthy(tmp_path, monkeypatch) -> None:
    """Though the kernel accepts the connection; the check takes no longer than its bound."""
    monkeypatch.setattr(health, "CHECK_S", 0.1)
    with serve(tmp_path / "s", b""):
        assert check(redis(tmp_path / "s"), STATE, 1) == ""
    assert check(redis(tmp_path / "none"), STATE, 1) == ""


def monitor(directory: Path) -> Process:
    """Return the process of a monitor with that run directory."""
    return Process(
        name="monitor", argv=("python",), description="", directory=str(directory), priority=5
    )


def test_a_monitor_that_answers_is_healthy(tmp_path) -> None:
    """With any status: its pages take longer to make."""
    with serve(tmp_path / "metrics.sock", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"):
        assert check(monitor(tmp_path), STATE, 1) == "answers on its socket"


def test_a_monitor_that_hangs_is_not_healthy(tmp_path, monkeypatch) -> None:
    """As one that is stopped: the kernel accepts its connections."""
    monkeypatch.setattr(health, "CHECK_S", 0.1)
    with serve(tmp_path / "metrics.sock", b""):
        assert check(monitor(tmp_path), STATE, 1) == ""
    assert check(monitor(tmp_path / "none"), STATE, 1) == ""


def test_a_kind_that_has_answered_is_not_checked_again_while_another_is_silent(tmp_path) -> None:
    """Each check is a request, which counts for MAX_REQUESTS; a new master is checked anew."""
    kinds = [
        WorkerKind(
            name=name, description="", workers=1, socket=str(tmp_path / name), stack=Stack.WSGI
        )
        for name in ("wsgi", "other")
    ]
    master, answered = replace(redis(tmp_path), name="master", kinds=tuple(kinds)), set()
    with serve(tmp_path / "wsgi", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as wsgi:
        assert silent_kinds(master, 7, answered) == ["other"]
        wsgi.close()
        assert silent_kinds(master, 7, answered) == ["other"]
        assert silent_kinds(master, 8, answered) == ["wsgi", "other"]

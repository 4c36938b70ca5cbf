"""HTTP over a Unix socket."""

import socket
import threading

import pytest

from django_tandem import unix_http

ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"


@pytest.fixture
def listener(tmp_path):
    """A socket that listens, and accepts nothing itself."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "web.sock"))
        listening.listen()
        yield listening


def test_a_get_returns_the_status_and_the_body(tmp_path, listener) -> None:
    """With the headers that it is given, and the host localhost."""
    received = []

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            received.append(connection.recv(4096))
            connection.sendall(ANSWER)

    server = threading.Thread(target=answer)
    server.start()
    found = unix_http.get(
        tmp_path / "web.sock", "/where/?a=1", timeout_s=30, headers={"X-Probe": "1"}
    )
    server.join()

    assert (found.status, found.body) == (404, b"gone")
    lines = received[0].split(b"\r\n")
    assert lines[0] == b"GET /where/?a=1 HTTP/1.1"
    assert {b"Host: localhost", b"X-Probe: 1"} < set(lines)


def test_a_server_that_does_not_answer_times_out(tmp_path, listener) -> None:
    """The kernel accepts the connection."""
    with pytest.raises(TimeoutError):
        unix_http.get(tmp_path / "web.sock", "/", timeout_s=0.05)


def test_nothing_listens(tmp_path) -> None:
    """A missing socket, or one that was left behind, is an OSError, and no descriptor is left."""
    with pytest.raises(FileNotFoundError):
        unix_http.connect(tmp_path / "web.sock", timeout_s=1)

    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "web.sock"))
    with pytest.raises(ConnectionRefusedError):
        unix_http.connect(tmp_path / "web.sock", timeout_s=1)

"""The server of the probes answers programs, and slow clients don't hold it up."""

import asyncio
import json
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path

import pytest

from django_tandem.runtime.probes import http_server
from django_tandem.runtime.probes.http_server import HttpServer, json_response
from django_tandem.runtime.probes.server import LoopThread
from harness.stack import free_port


async def _page(_):
    return json_response(HTTPStatus.OK, {"status": "pass"})


async def _echo(request):
    return json_response(HTTPStatus.OK, asdict(request))


async def _slow(_):
    await asyncio.sleep(0.3)
    return json_response(HTTPStatus.OK, {})


async def _broken(_):
    raise RuntimeError("a bug")


@contextmanager
def serving(*addresses: str) -> Iterator[HttpServer]:
    """A server in a thread, as in supervisord."""
    server = HttpServer({"/page": _page, "/broken": _broken, "/echo": _echo, "/slow": _slow})
    server.thread = LoopThread("probes")
    server.thread.start()
    try:
        assert listen(server, *addresses) == []
        yield server
    finally:
        listen(server)
        server.thread.close()


def listen(server: HttpServer, *addresses: str) -> list[str]:
    return server.thread.submit(server.listen(addresses)).result(5)


def exchange(path: Path, request: bytes) -> tuple[str, bytes]:
    """Send ``request``; return the head and the body of the response."""
    with connected(path) as connection:
        connection.sendall(request)
        return read(connection)


def connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(path))
    return connection


def is_cut(connection: socket.socket) -> bool:
    """Return whether the server closes the connection before the timeout."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        # It had not read all that was sent.
        return True


def read(connection: socket.socket) -> tuple[str, bytes]:
    response = b""
    while chunk := connection.recv(65536):
        response += chunk
    head, _, body = response.partition(b"\r\n\r\n")
    return head.decode(), body


@pytest.fixture
def path(tmp_path) -> Iterator[Path]:
    with serving(str(tmp_path / "health.sock")):
        yield tmp_path / "health.sock"


def test_a_page_is_json(path) -> None:
    """For every host name, and with a query."""
    head, body = exchange(path, b"GET /page?verbose HTTP/1.1\r\nHost: other.example\r\n\r\n")

    assert head == (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 19\r\n"
        "Connection: close\r\nCache-Control: no-store"
    )
    assert json.loads(body) == {"status": "pass"}


def test_head_has_no_body(path) -> None:
    """And the headers of GET."""
    head, body = exchange(path, b"HEAD /page HTTP/1.0\r\n\r\n")

    assert "Content-Length: 19\r\n" in head
    assert body == b""


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"GET /page/ HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"POST /page HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        (b"nothing\r\n\r\n", "400 Bad Request"),
        (b"\x16\x03\x01\x00 \xff\xff\r\n\r\n", "400 Bad Request"),
        (b"GET /broken HTTP/1.1\r\n\r\n", "500 Internal Server Error"),
    ],
)
def test_any_other_request_is_refused(path, request_, status, capsys) -> None:
    """With the reason of its status alone."""
    head, body = exchange(path, request_)

    assert head.startswith(f"HTTP/1.1 {status}\r\n")
    assert json.loads(body) == {"error": status.partition(" ")[2]}
    # A bug is printed, where supervisord prints.
    assert ("RuntimeError: a bug" in capsys.readouterr().err) is ("broken" in str(request_))


def test_a_page_has_the_query_and_the_headers(path) -> None:
    """The last of each name, and the path of the socket."""
    _, body = exchange(path, b"GET /echo?a=1&b=%2F&a=2&c HTTP/1.1\r\nHost: [::1]:80\r\n\r\n")

    assert json.loads(body) == {
        "method": "GET",
        "path": "/echo",
        "query": {"a": "2", "b": "/", "c": ""},
        "headers": {"host": "[::1]:80"},
        "server": str(path),
    }


def test_a_request_has_a_largest_size(path) -> None:
    """Probes stay far below it."""
    head, _ = exchange(path, b"GET /page HTTP/1.1\r\nX: " + b"x" * 9000)

    assert head.startswith("HTTP/1.1 431 ")


def test_a_slow_client_is_cut(tmp_path, monkeypatch) -> None:
    """By the time since it has connected: each of its bytes would be in time."""
    monkeypatch.setattr(http_server, "HEAD_S", 0.2)
    path = tmp_path / "health.sock"
    with serving(str(path)), connected(path) as slow:
        slow.sendall(b"GET /page HTTP/1.1\r\n")

        assert is_cut(slow)


def test_a_page_may_take_longer_than_the_head_of_its_request(tmp_path, monkeypatch) -> None:
    """A page of metrics with thousands of routes does."""
    monkeypatch.setattr(http_server, "HEAD_S", 0.1)
    path = tmp_path / "health.sock"
    with serving(str(path)):
        head, _ = exchange(path, b"GET /slow HTTP/1.1\r\n\r\n")

    assert head.startswith("HTTP/1.1 200 ")


def test_a_client_that_does_not_read_is_cut(tmp_path, monkeypatch) -> None:
    """It would hold the response in memory."""
    monkeypatch.setattr(http_server, "RESPONSE_S", 0.1)
    path = tmp_path / "health.sock"
    with serving(str(path)):
        assert exchange(path, b"GET /slow HTTP/1.1\r\n\r\n") == ("", b"")


def test_slow_clients_hold_up_nobody(path) -> None:
    """A further one takes the place of the oldest."""
    slow = [connected(path) for _ in range(http_server.MOST_CONNECTIONS + 5)]
    try:
        # The oldest may have been cut before they send anything.
        for each in slow[6:]:
            each.sendall(b"GET /page HTTP/1.1\r\n")

        assert exchange(path, b"GET /page HTTP/1.1\r\n\r\n")[0].startswith("HTTP/1.1 200 ")

        # Long before the time of a request is over.
        slow[0].settimeout(http_server.HEAD_S / 2)
        assert is_cut(slow[0])
        slow[-1].sendall(b"\r\n")
        assert read(slow[-1])[0].startswith("HTTP/1.1 200 ")
    finally:
        for each in slow:
            each.close()


def test_the_addresses_may_change(tmp_path) -> None:
    """A reload moves the probes; one that stays is not interrupted."""
    path, port = tmp_path / "health.sock", free_port()
    with serving(str(path)) as server:
        assert listen(server, str(path), f"127.0.0.1:{port}") == []
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /page HTTP/1.1\r\n\r\n")
            assert read(connection)[0].startswith("HTTP/1.1 200 ")

        assert listen(server, str(path)) == []
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        assert exchange(path, b"GET /page HTTP/1.1\r\n\r\n")[0].startswith("HTTP/1.1 200 ")


def test_an_address_in_use_is_named(tmp_path) -> None:
    """And the others are served."""
    path = tmp_path / "health.sock"
    with socket.create_server(("127.0.0.1", 0)) as other, serving(str(path)) as server:
        address = f"127.0.0.1:{other.getsockname()[1]}"

        assert listen(server, str(path), address) == [
            f"Can't listen on {address}: Address already in use."
        ]
        assert exchange(path, b"GET /page HTTP/1.1\r\n\r\n")[0].startswith("HTTP/1.1 200 ")


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_that_another_program_serves_is_left_to_it(tmp_path, kind) -> None:
    """Such as the socket of a database that HEALTH names by mistake; its queue is full."""
    path, served = tmp_path / "health.sock", tmp_path / "served.sock"
    with socket.socket(socket.AF_UNIX, kind) as other, serving(str(path)) as server:
        other.bind(str(served))
        inode = served.stat().st_ino
        if kind == socket.SOCK_STREAM:
            other.listen(0)
            waiting = connected(served)

        for _ in range(2):
            assert listen(server, str(path), str(served)) == [
                f"Can't listen on {served}: Address already in use."
            ]
        assert served.stat().st_ino == inode
        if kind == socket.SOCK_STREAM:
            waiting.close()


def test_a_socket_that_was_left_is_replaced(tmp_path) -> None:
    """By one that its group may use; another file at its path stays."""
    left, file = tmp_path / "left.sock", tmp_path / "file"
    with socket.socket(socket.AF_UNIX) as earlier:
        earlier.bind(str(left))
    file.write_text("mine")
    with serving(str(left)) as server:
        assert exchange(left, b"GET /page HTTP/1.1\r\n\r\n")[0].startswith("HTTP/1.1 200 ")
        assert stat.S_IMODE(left.stat().st_mode) == 0o660

        assert listen(server, str(left), str(file)) == [
            f"Can't listen on {file}: Address already in use."
        ]
    assert file.read_text() == "mine"

"""A request whose client left while it waited is skipped."""

import socket

import pytest

from django_tandem.inprocess.wsgi_layers import SkipDisconnectedClients


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def begun(environ) -> bool:
    came = []
    app = SkipDisconnectedClients(lambda environ, _start: came.append(environ) or [])
    assert list(app(environ, lambda status, headers: came or None)) == []
    return bool(came)


def test_a_request_with_an_open_connection_is_served(pair) -> None:
    """Whether or not there is more of it to read."""
    pair[1].sendall(b"GET / HTTP/1.1")

    assert begun({"gunicorn.socket": pair[0]})


def test_a_request_with_a_closed_connection_is_skipped(pair) -> None:
    """All of it was sent, and then its sender left."""
    pair[1].sendall(b"GET / HTTP/1.1")
    pair[1].close()

    assert not begun({"gunicorn.socket": pair[0]})


def test_a_half_closed_connection_is_served(pair) -> None:
    """Its client still reads."""
    pair[1].shutdown(socket.SHUT_WR)

    assert begun({"gunicorn.socket": pair[0]})


def test_a_server_that_hides_its_connections_is_served() -> None:
    """Its connection can't be checked."""
    assert begun({})

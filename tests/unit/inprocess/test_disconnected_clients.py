"""A request whose connection was closed while it waited is not begun."""

import socket

import pytest

from django_tandem.inprocess.disconnected_clients import SkipDisconnectedClients


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


def test_one_that_is_waited_for_is_begun(pair) -> None:
    """Whether or not there is more of it to read."""
    pair[1].sendall(b"GET / HTTP/1.1")

    assert begun({"gunicorn.socket": pair[0]})


def test_one_that_was_given_up_is_not(pair) -> None:
    """All of it was sent, and then its sender left."""
    pair[1].sendall(b"GET / HTTP/1.1")
    pair[1].close()

    assert not begun({"gunicorn.socket": pair[0]})


def test_a_sender_that_is_done_sending_still_waits(pair) -> None:
    """A half-closed connection can be answered."""
    pair[1].shutdown(socket.SHUT_WR)

    assert begun({"gunicorn.socket": pair[0]})


def test_a_server_that_keeps_its_connections_to_itself_is_believed() -> None:
    """Nothing tells otherwise."""
    assert begun({})

"""The client of supervisord sends each request once, and knows its faults."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from supervisor.xmlrpc import Faults

from django_tandem.runtime import supervisord


@pytest.fixture
def closed_connections(tmp_path: Path) -> Iterator[list[bytes]]:
    """Listen as a supervisord that ends while it works, and return the requests it has read."""
    requests = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "supervisor.sock"))
        listener.listen()

        def close_each() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                requests.append(connection.recv(4096))
                connection.close()

        thread = threading.Thread(target=close_each, daemon=True)
        thread.start()
        yield requests
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_request_without_an_answer_is_not_repeated(tmp_path, closed_connections) -> None:
    """supervisord may have started the program before it ended."""
    with pytest.raises(supervisord.GoneError, match=r"^supervisord does not answer$"):
        supervisord.start(tmp_path, ["wsgi-2"])

    assert len(closed_connections) == 1


def test_a_request_has_the_user_of_the_rendered_file(tmp_path, closed_connections) -> None:
    """supervisord answers no other user."""
    with pytest.raises(supervisord.GoneError):
        supervisord.statuses(tmp_path)

    assert b"Authorization: Basic dGFuZGVtOnRhbmRlbQ==" in closed_connections[0]


def test_the_faults_are_those_of_supervisor() -> None:
    """Their module is not imported."""
    assert supervisord.UNKNOWN_METHOD == Faults.UNKNOWN_METHOD
    assert supervisord.SHUTDOWN_STATE == Faults.SHUTDOWN_STATE

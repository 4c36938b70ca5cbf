"""The kernel's own count of what a socket holds."""

import socket
from pathlib import Path

from django_tandem.runtime.connections import held


def test_what_was_accepted_and_what_still_waits_is_counted(tmp_path) -> None:
    """The socket that listens is none of them, and one that is closed is gone."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert held(path) == 0

        clients = [_connected(path), _connected(path)]
        accepted, _ = listener.accept()
        assert held(path) == 2

        accepted.close()
        assert held(path) == 1
        for client in clients:
            client.close()


def test_a_socket_of_a_longer_name_is_another(tmp_path) -> None:
    """wsgi-1.sock holds nothing of what wsgi-11.sock does."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s1"))
        listener.listen()
        with _connected(tmp_path / "s1"):
            assert held(tmp_path / "s") is None


def test_a_system_that_does_not_tell_says_so(tmp_path) -> None:
    """Rather than that nothing is held."""
    assert held(tmp_path / "s", table=tmp_path / "none") is None


def _connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    return client

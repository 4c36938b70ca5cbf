"""The kernel's own count of what sockets hold."""

import socket
import threading
import time
from pathlib import Path

from django_tandem.runtime import connections
from django_tandem.runtime.connections import Looks, held_by
from harness.client import wait_for


def test_what_was_accepted_and_what_still_waits_is_counted(tmp_path) -> None:
    """The socket that listens is none of them, and one that is closed is gone."""
    path = tmp_path / "s"
    with _listener(path) as listener:
        assert held_by([path]) == {path: 0}

        clients = [_connected(path), _connected(path)]
        accepted, _ = listener.accept()
        assert held_by([path]) == {path: 2}

        accepted.close()
        assert held_by([path]) == {path: 1}
        for client in clients:
            client.close()


def test_each_of_several_is_counted_for_itself(tmp_path) -> None:
    """By one reading of the table, with those that nobody listens at."""
    first, second, none = (tmp_path / name for name in ("s-1", "s-2", "s-3"))
    with _listener(first), _listener(second), _connected(first), _connected(first):
        assert held_by([first, second, none]) == {first: 2, second: 0, none: None}


def test_a_socket_of_a_longer_name_is_another(tmp_path) -> None:
    """wsgi-1.sock holds nothing of what wsgi-11.sock does."""
    longer, shorter = tmp_path / "s1", tmp_path / "s"
    with _listener(longer), _connected(longer):
        assert held_by([shorter]) == {shorter: None}


def test_a_path_may_hold_spaces(tmp_path) -> None:
    """A project's directory may be called anything."""
    path = tmp_path / "my site" / "s"
    path.parent.mkdir()
    with _listener(path), _connected(path):
        assert held_by([path]) == {path: 1}


def test_a_system_that_does_not_tell_says_so(tmp_path) -> None:
    """Rather than that nothing is held."""
    path = tmp_path / "s"

    assert held_by([path], table=tmp_path / "none") == {path: None}


def test_all_who_wait_are_told_by_one_look(tmp_path, monkeypatch) -> None:
    """However many programs drain, and none is taken while nobody asks."""
    asked: list[set[Path]] = []
    monkeypatch.setattr(connections, "held_by", lambda paths: asked.append(paths) or held_by(paths))
    looks, found = Looks(), {}
    paths = [tmp_path / "s-1", tmp_path / "s-2"]
    looks.take()
    assert asked == []

    def wait(path: Path) -> None:
        found[path] = looks.next(path, time.monotonic() + 20)

    with _listener(paths[0]), _listener(paths[1]), _connected(paths[1]):
        threads = [threading.Thread(target=wait, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        wait_for(lambda: looks._asked == set(paths))
        looks.take()
        for thread in threads:
            thread.join()

    assert asked == [set(paths)]
    assert found == {paths[0]: 0, paths[1]: 1}


def test_who_waits_for_a_look_waits_no_longer_than_told(tmp_path) -> None:
    """The time of a drain is over, whether anybody looks or not."""
    assert Looks().next(tmp_path / "s", time.monotonic() + 0.01) is None


def _listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def _connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    return client

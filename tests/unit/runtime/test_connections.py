"""The connections of a socket, counted by the kernel."""

import socket
import threading
import time
from pathlib import Path

import pytest

from django_tandem.runtime import connections
from django_tandem.runtime.connections import SocketSampler, count_connections, count_on_port
from harness.client import wait_for

# Of netlink: the last number, which the kernel gives to none.
NO_PROTOCOL = 31


def test_accepted_and_queued_connections_are_counted(tmp_path) -> None:
    """The listening socket is not one of them, nor is a closed one."""
    path = tmp_path / "s"
    with _listener(path) as listener:
        assert count_connections([path]) == {path: 0}

        clients = [_connected(path), _connected(path)]
        accepted, _ = listener.accept()
        assert count_connections([path]) == {path: 2}

        accepted.close()
        assert count_connections([path]) == {path: 1}
        for client in clients:
            client.close()


def test_several_sockets_are_counted_at_once(tmp_path) -> None:
    """By one reading of the table; the count of a path without a listener is None."""
    first, second, none = (tmp_path / name for name in ("s-1", "s-2", "s-3"))
    with _listener(first), _listener(second), _connected(first), _connected(first):
        assert count_connections([first, second, none]) == {first: 2, second: 0, none: None}


def test_a_socket_of_a_longer_name_is_another(tmp_path) -> None:
    """The connections of wsgi-11.sock do not count for wsgi-1.sock."""
    longer, shorter = tmp_path / "s1", tmp_path / "s"
    with _listener(longer), _connected(longer):
        assert count_connections([shorter]) == {shorter: None}


def test_a_path_may_hold_spaces(tmp_path) -> None:
    """A project's directory may be called anything."""
    path = tmp_path / "my site" / "s"
    path.parent.mkdir()
    with _listener(path), _connected(path):
        assert count_connections([path]) == {path: 1}


def test_the_count_is_none_without_the_kernels_table(tmp_path) -> None:
    """Zero would mean that the socket is idle."""
    path = tmp_path / "s"

    assert count_connections([path], table=tmp_path / "none") == {path: None}


def test_one_sample_serves_all_waiting_threads(tmp_path, monkeypatch) -> None:
    """However many programs drain; and no sample is taken without a waiting thread."""
    sampled: list[set[Path]] = []

    def count(wanted: set[Path]) -> connections.Counts:
        sampled.append(wanted)
        return count_connections(wanted)

    monkeypatch.setattr(connections, "count_connections", count)
    sampler, counts = SocketSampler(), {}
    paths = [tmp_path / "s-1", tmp_path / "s-2"]
    sampler.sample()
    assert sampled == []

    def wait(path: Path) -> None:
        counts[path] = sampler.next_count(path, time.monotonic() + 20)

    with _listener(paths[0]), _listener(paths[1]), _connected(paths[1]):
        threads = [threading.Thread(target=wait, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        wait_for(lambda: sampler._wanted == set(paths))
        sampler.sample()
        for thread in threads:
            thread.join()

    assert sampled == [set(paths)]
    assert counts == {paths[0]: 0, paths[1]: 1}


def test_the_wait_for_a_sample_is_bounded(tmp_path) -> None:
    """A drain ends in time even if no sample is taken."""
    assert SocketSampler().next_count(tmp_path / "s", time.monotonic() + 0.01) is None


@pytest.mark.parametrize(("host", "local"), [("127.0.0.1", "127.0.0.1"), ("::", "::1")])
def test_the_clients_of_a_port_are_counted(host, local) -> None:
    """Of either protocol; neither the clients' own ends are, nor the clients of another port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, 0), family=family) as listener,
        socket.create_server((host, 0), family=family) as other,
    ):
        port, others = (each.getsockname()[1] for each in (listener, other))
        assert count_on_port(port) == 0

        clients = [socket.create_connection((local, each)) for each in (port, port, others)]
        # An end is the server's once the kernel has processed the last packet of the handshake,
        # which on a busy machine is after connect() has returned.
        wait_for(lambda: count_on_port(others) == 1)
        wait_for(lambda: count_on_port(port) == 2)
        for client in clients:
            client.close()


def test_the_clients_of_a_port_are_not_known_everywhere() -> None:
    """Other systems, and some sandboxes, do not list their sockets."""
    assert count_on_port(80, protocol=NO_PROTOCOL) is None


def _listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def _connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    return client

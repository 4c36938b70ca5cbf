"""The kernel knows how many connections wait for a worker."""

import socket

import pytest

from django_tandem.model import Bind
from django_tandem.runtime.listen_queues import ListenQueue, read_queues

FAMILIES = {False: socket.AF_INET, True: socket.AF_INET6}


def test_a_queue_has_the_connections_that_wait_and_its_limit(tmp_path) -> None:
    """An accepted connection no longer waits; on a Unix socket one more than the backlog may."""
    path = tmp_path / "a b.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(4)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for client in clients:
            client.connect(str(path))

        assert read_queues([path])[path] == ListenQueue(length=3, limit=5)
        accepted, _ = server.accept()
        assert read_queues([path])[path] == ListenQueue(length=2, limit=5)
        for each in (accepted, *clients):
            each.close()

    assert read_queues([path]) == {}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_queue_of_an_address_is_found_by_it(host) -> None:
    """A stack listens there for an edge on another host."""
    with socket.create_server((host, 0), family=FAMILIES[":" in host], backlog=4) as server:
        bind = Bind(host=host, port=server.getsockname()[1])
        clients = [socket.create_connection((bind.host, bind.port), 5) for _ in range(3)]
        accepted, _ = server.accept()

        assert read_queues([bind]) == {bind: ListenQueue(length=2, limit=5)}
        for each in (accepted, *clients):
            each.close()

    assert read_queues([bind]) == {}


def test_the_queues_of_other_sockets_are_left_out(tmp_path) -> None:
    """A machine may have hundreds of them, and a stack has three."""
    own, other = tmp_path / "own.sock", tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        for server, path in ((first, own), (second, other)):
            server.bind(str(path))
            server.listen(4)

        assert read_queues([own]).keys() == {own}
        assert read_queues([]) == {}

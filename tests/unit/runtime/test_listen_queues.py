"""The kernel knows how many connections wait for a worker."""

import socket

from django_tandem.runtime.listen_queues import ListenQueue, read_queues


def test_a_queue_has_the_connections_that_wait_and_its_limit(tmp_path) -> None:
    """An accepted connection no longer waits; on a Unix socket one more than the backlog may."""
    path = tmp_path / "a b.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(4)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for client in clients:
            client.connect(str(path))

        assert read_queues()[path] == ListenQueue(length=3, limit=5)
        accepted, _ = server.accept()
        assert read_queues()[path] == ListenQueue(length=2, limit=5)
        for each in (accepted, *clients):
            each.close()

    assert path not in read_queues()

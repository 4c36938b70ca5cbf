"""How many connections may wait for a WSGI server."""

import socket
import time
from contextlib import ExitStack

import pytest

from django_tandem.servers import WSGI_SERVERS
from harness.client import wait_for
from harness.server import serving
from servers.conftest import title

WORKERS = 2


@pytest.mark.parametrize("server", WSGI_SERVERS, ids=title)
def test_as_many_wait_as_the_queue_is_long_and_the_next_is_refused(server, directory):
    """The kernel counts: beyond the workers, QUEUE connections and not one more."""
    queue = max(8, server.least_queue)
    with serving(server, directory, workers=WORKERS, queue=queue) as running, ExitStack() as open_:
        for _ in range(WORKERS):
            send(running, open_, b"GET /slow?s=20 HTTP/1.1\r\nHost: a\r\n\r\n")
        # The server is ready as soon as one worker is: the request of one that starts waits, too.
        wait_for(lambda: taken(directory) == WORKERS)

        waiting = 0
        # What a server has yet to take off the queue makes room for one more.
        until = time.monotonic() + 1
        while waiting <= queue and time.monotonic() < until:
            try:
                send(running, open_, b"")
            except BlockingIOError:
                time.sleep(0.05)
            else:
                waiting += 1
                until = time.monotonic() + 1

    assert waiting == queue


def taken(directory):
    """Return how many slow requests have reached a worker."""
    slow = directory / "slow"
    return slow.stat().st_size if slow.exists() else 0


def send(running, open_, data):
    connection = open_.enter_context(socket.socket(socket.AF_UNIX))
    connection.setblocking(False)
    connection.connect(str(running.socket))
    connection.sendall(data)
    return connection

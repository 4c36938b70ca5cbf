"""What a slow request does to the server and to the others."""

import http.client
from concurrent.futures import ThreadPoolExecutor

import pytest

from django_tandem.model import Stack
from django_tandem.servers import WSGI_SERVERS, find
from harness.client import wait_for
from harness.server import serving
from servers.conftest import title

# Waitress and Granian have nothing of the kind: the edge alone gives up on the request.
WITH_TIMEOUT = [find(Stack.WSGI, name) for name in ("gunicorn", "uwsgi")]


@pytest.mark.parametrize("server", WITH_TIMEOUT, ids=title)
def test_a_request_that_takes_too_long_is_ended_and_its_worker_replaced(server, directory):
    """The edge hears of it at once, and the next request is served."""
    with serving(server, directory, timeout_s=1) as running:
        # Gunicorn's worker still says that it failed; uWSGI's is killed.
        assert status(running, "/slow?s=20") == {"gunicorn": 500, "uwsgi": None}[server.name]

        wait_for(lambda: status(running, "/plain") == 200)


@pytest.mark.parametrize("server", WSGI_SERVERS, ids=title)
def test_a_slow_request_holds_up_no_other_while_a_worker_is_free(server, directory):
    """With two workers, one of them slow, every other request is answered before it ends."""
    with serving(server, directory, workers=2) as running, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(running.ask, path="/slow?s=2")
        wait_for((directory / "slow").exists)

        for _ in range(20):
            assert running.ask().body == b"plain"

        assert not slow.done()
        assert slow.result().body == b"slow"


def status(running, path):
    try:
        return running.ask(path=path).status
    except (OSError, http.client.HTTPException):
        return None

"""Each server ends when it is told to, and finishes the requests in flight first."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from servers.running import GRACE_S, serving, wait_for


def test_a_server_finishes_the_request_in_flight_and_ends(server, directory):
    """What was asked before the stop is answered after it; then nothing is left running."""
    with serving(server, directory, workers=2) as running, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(running.ask, path="/slow?s=1")
        wait_for((directory / "slow").exists)

        stopped = time.monotonic()
        running.stop()
        took_s = time.monotonic() - stopped

        assert answer.result().body == b"slow"
        assert took_s < GRACE_S
        assert not survivors(running.process.pid)


def test_a_server_at_rest_ends_at_once(server, directory):
    """A stop without requests waits for nothing."""
    with serving(server, directory, workers=2) as running:
        stopped = time.monotonic()
        running.stop()

        assert time.monotonic() - stopped < 3


def test_the_grace_is_not_exceeded(server, directory):
    """A request that takes longer than the grace does not keep the server alive."""
    with serving(server, directory, workers=2) as running, ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: pytest.raises(Exception, running.ask, path="/slow?s=20"))
        wait_for((directory / "slow").exists)

        running.stop()

        assert not survivors(running.process.pid)


def survivors(group):
    """Return the processes of the group that are still there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True

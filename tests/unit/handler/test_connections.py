"""Database connections: at most one per thread, kept for CONN_MAX_AGE, as on WSGI."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.postgres import postgres

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def host():
    """The socket directory of a PostgreSQL."""
    with postgres() as url:
        yield parse_qs(urlsplit(url).query)["host"][0]


def connections(host, max_age, view):
    tests = Path(__file__).parents[1]
    argv = [sys.executable, "-m", "handler.connecting", host, str(max_age), view]
    done = subprocess.run(argv, cwd=tests, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("view", ["sync", "calling"])
def test_each_thread_keeps_its_connection(host, view):
    """A hundred and twenty requests take four connections, and leave them open."""
    seen = connections(host, 60, view)

    assert seen["statuses"] == [[200], [200]]
    assert (seen["opened"], seen["left"]) == (4, 4)
    assert seen["most"] <= 4


def test_async_queries_share_the_threads(host):
    """A request that only reads gives its thread to another while it awaits something."""
    seen = connections(host, 60, "async")

    assert seen["statuses"] == [[200], [200]]
    assert (seen["opened"], seen["left"]) == (4, 4)


def test_without_persistence_a_connection_ends_with_its_request(host):
    """Each opens its own, and none is left."""
    seen = connections(host, 0, "sync")

    assert (seen["opened"], seen["left"]) == (120, 0)

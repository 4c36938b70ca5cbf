import subprocess
import tempfile
from pathlib import Path

import pytest

from django_tandem.runtime.host import find_valkey
from harness.client import wait_for


@pytest.fixture(scope="module")
def run_dir():
    """A directory whose path is short enough for a socket's, for the whole module."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        yield Path(path)


@pytest.fixture
def directory():
    """The same, for one test."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        yield Path(path)


@pytest.fixture
def redis(directory):
    """The environment of a project whose Valkey runs beside it."""
    path = directory / "redis.sock"
    argv = [find_valkey(), "--port", "0", "--save", "", "--dir", str(directory)]
    process = subprocess.Popen([*argv, "--unixsocket", str(path)], stdout=subprocess.DEVNULL)
    wait_for(path.exists)
    yield {"REDIS_URL": f"unix://{path}"}
    process.terminate()
    process.wait()

import tempfile
from pathlib import Path

import pytest

from harness.valkey import valkey


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
    with valkey(directory) as started:
        yield {"REDIS_URL": started.url}

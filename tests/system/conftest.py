"""The example, which several subjects serve."""

import fcntl
import os
from pathlib import Path

import pytest

from harness.example import copied, prepare


@pytest.fixture(scope="session")
def prepared_example(tmp_path_factory) -> Path:
    """The example with its database and static files, made once for all processes: copy it."""
    directory = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        directory = directory.parent
    made = directory / "example"
    with (directory / "example.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            prepare(copied(directory / "example.new"))
            (directory / "example.new").rename(made)
    return made

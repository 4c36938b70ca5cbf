"""The log of a master that forks workers, and what the project adds to it."""

import logging
import os
import subprocess
import sys

import pytest

from django_tandem.servers.adapters.master_log import MasterLog

# What it prints itself comes after the end of what was logged last.
MASTER = """
import atexit, logging, os, pathlib, sys, time
from django_tandem.servers.adapters.master_log import MasterLog

path, master = pathlib.Path(sys.argv[1]), os.getpid()


class Project(logging.Handler):
    def emit(self, record):
        assert os.getpid() != master
        # As a server that takes its time to answer.
        time.sleep(0.3)
        with path.open("a") as file:
            print(record.getMessage(), file=file)


def leave():
    if os.getpid() == master:
        print(path.read_text() if path.exists() else "")


atexit.register(leave)
logger = logging.getLogger("gunicorn.error")
logger.setLevel(logging.DEBUG)
logger.addHandler(Project())
logger.addHandler(logging.StreamHandler())
MasterLog(lambda: print("closed", flush=True)).install()
logger.info("A worker has ended.")
logger.error("Worker failed to boot.")
"""


@pytest.mark.processes
def test_what_is_logged_last_is_reported_before_the_end(tmp_path) -> None:
    """By a process that keeps no address in use; a line below a warning is written and no more."""
    argv = [sys.executable, "-c", MASTER, str(tmp_path / "reported")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)

    assert done.stdout == "closed\nWorker failed to boot.\n\n"
    assert done.stderr == "A worker has ended.\nWorker failed to boot.\n"


def test_a_handler_of_pythons_that_writes_takes_no_process(tmp_path, monkeypatch) -> None:
    """A project that only formats its log has each line from the master itself."""
    forks = []
    monkeypatch.setattr(os, "fork", lambda: forks.append(1))
    logger = logging.Logger("of the master")
    logger.addHandler(logging.FileHandler(tmp_path / "log"))
    record = logger.makeRecord(logger.name, logging.ERROR, "", 0, "Late.", (), None)

    MasterLog(lambda: None)._write(logger, record)

    assert (tmp_path / "log").read_text() == "Late.\n"
    assert forks == []

"""How the process of a finished worker exits."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes

# Its output is a pipe, so Python buffers it.
WORKER = """
import logging.handlers, sys
from django_tandem.inprocess import worker_process

worker_process.register_exit(lambda: print("connections are closed"))
target = logging.StreamHandler(sys.stdout)
logging.getLogger("shop").addHandler(logging.handlers.MemoryHandler(100, target=target))
logging.getLogger("shop").warning("an order was refused")
if "finished" in sys.argv:
    worker_process.finish()
"""


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        (["finished"], ["connections are closed", "an order was refused"]),
        ([], ["an order was refused"]),
    ],
)
def test_a_worker_that_exits_loses_no_record(argv, lines) -> None:
    """Of a buffering handler; logging has registered its shutdown before the master's handler."""
    done = subprocess.run(
        [sys.executable, "-c", WORKER, *argv], stdout=subprocess.PIPE, text=True, check=True
    )

    assert done.stdout.splitlines() == lines

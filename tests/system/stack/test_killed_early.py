"""A program killed in its first seconds, when supervisord itself would soon give it up."""

import os
import signal

import psutil

from django_tandem.runtime import supervisord
from harness.client import ask, wait_for
from harness.projects import SMALL, without_asgi
from harness.stack import Up

# supervisord gives up a program that ends four times within five seconds of its start.
TIMES = 5
RECOVERY_S = 15


def pid(up: Up) -> int:
    try:
        return supervisord.pid_of(up.run_dir, "wsgi-1") or 0
    except OSError:
        return 0


def is_serving(up: Up) -> bool:
    try:
        return ask(up.port, "/").status == 200
    except OSError:
        return False


def test_a_program_killed_early_is_restarted(tmp_path) -> None:
    """In the first generation too, and before supervisord counts it as running."""
    without_asgi(tmp_path, **SMALL)

    with Up(tmp_path) as up:
        killed = set()
        for _ in range(TIMES):
            server = wait_for(lambda: pid(up), within_s=RECOVERY_S)
            os.kill(server, signal.SIGKILL)
            killed.add(server)
            # Not until it serves: its seconds must not be over.
            wait_for(lambda: pid(up) not in {0, *killed}, within_s=RECOVERY_S)

        assert wait_for(lambda: is_serving(up), within_s=RECOVERY_S)
        assert len(killed) == TIMES
        assert psutil.Process(up.process.pid).is_running()
        assert supervisord.restarts(up.run_dir) == {"wsgi-1": TIMES}

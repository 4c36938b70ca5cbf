"""With a Gunicorn that was not read, the servers run as separate programs."""

import os
import signal

import psutil
import pytest

from harness.client import wait_for
from harness.master import serving, wait_for_workers
from harness.server import SOURCE

# Python imports it at its start.
CUSTOMIZE = """
from django_tandem import fingerprints

for name in [name for name in fingerprints.known() if name.startswith("gunicorn.")]:
    del fingerprints.known()[name]
"""


@pytest.fixture
def environment(directory):
    (directory / "sitecustomize.py").write_text(CUSTOMIZE)
    return {"PYTHONPATH": os.pathsep.join([str(directory), str(SOURCE)])}


def test_a_master_of_other_versions_runs_both_servers(directory, environment) -> None:
    """Each imports the project, logs to the file of its kind, and ends with the master."""
    with serving(directory, wsgi=1, asgi=1, wsgi_niceness=5, environment=environment) as master:
        children = psutil.Process(master.process.pid).children(recursive=True)

        assert master.log().count("run as separate programs.") == 1
        assert b'"nice": 5' in master.ask("wsgi").body
        assert b'"nice": 0' in master.ask("asgi").body
        assert str(master.process.pid) not in master.imports
        assert master.stop() == 0
        assert not any(each.is_running() for each in children)


def test_channels_are_consumed_until_the_generation_drains(directory, environment, redis) -> None:
    """By a program that counts as the master's worker; the servers go on without it."""
    environment = {**environment, **redis}
    with serving(directory, wsgi=1, asgi=1, channels=("notes",), environment=environment) as master:
        wait_for_workers(master, "channels", 1)
        master.process.send_signal(signal.SIGWINCH)

        wait_for(lambda: not master.workers("channels"))
        assert master.ask("wsgi").status == 200
        assert master.ask("asgi").status == 200
        assert master.stop() == 0


def test_all_end_when_one_ends(directory, environment) -> None:
    """The supervisor starts the master again."""
    with serving(directory, wsgi=1, asgi=1, environment=environment) as master:
        servers = psutil.Process(master.process.pid).children()
        servers[0].send_signal(signal.SIGKILL)

        assert master.process.wait(20) == 1
        wait_for(lambda: not any(each.is_running() for each in servers[1:]))

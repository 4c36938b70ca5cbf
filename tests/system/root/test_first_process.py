"""A role that is process 1 of a PID namespace, as in its container."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.client import ask, wait_for
from harness.projects import startproject
from harness.stack import Up, free_port

SETTINGS = """
import os
import time

if {{"STUCK_IMPORT", "TANDEM_UNSUPERVISED"}} <= os.environ.keys():
    print("The master imports them.", flush=True)
    time.sleep(60)
TANDEM = {{
    "PEERS": {{"WSGI": ["127.0.0.1:{port}"], "SECRET": "0123456789abcdef0123456789abcdef"}},
    "WSGI": {{"BIND": "127.0.0.1:{port}", "WORKERS": 1}},
}}
DATABASES = {{}}
"""
NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make PID namespaces")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def directory(port) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        made = startproject(Path(path))
        settings = made / "mysite" / "settings.py"
        settings.write_text(settings.read_text() + SETTINGS.format(port=port))
        yield made


def role(directory: Path, **changes: object) -> Up:
    return Up(directory, args=("--role", "wsgi"), prefix=NAMESPACE, **changes)


def first(up: Up) -> psutil.Process:
    """Return process 1 of the namespace."""
    return psutil.Process(up.process.pid).children()[0]


def is_ready(port: int) -> bool:
    try:
        return ask(port, "/.tandem/ready").status == 200
    except OSError:
        return False


def test_it_collects_orphans_and_ends_with_0(directory, port) -> None:
    """A zombie would stay until the end of the container."""
    with role(directory, ready="wsgi-1: ") as up:
        wait_for(lambda: is_ready(port), within_s=30)
        master = first(up)
        inside = ("nsenter", "-t", str(master.pid), "-p", "-m")
        before = set(master.children())
        left = psutil.Popen([*inside, "sh", "-c", "(exec sleep 1) & exit"])
        left.wait(10)
        (orphan,) = set(master.children()) - before
        wait_for(lambda: not Path(f"/proc/{orphan.pid}").exists())
        # As a preStop hook does: its signal is for process 1.
        down = (*inside, sys.executable, "-m", "django_tandem", "down", "--run-dir", up.run_dir)
        done = subprocess.run(down, capture_output=True, text=True, check=False)

        assert up.wait() == 0
        assert done.stderr.endswith("Stopped.\n") or done.returncode == -signal.SIGKILL

    assert "stopping: finishes requests in flight, for 8 s at most" in up.output


def test_sigterm_while_the_master_loads_the_project_ends_it_at_once(directory) -> None:
    """The kernel sends process 1 no signal that it does not handle."""
    up = role(directory, environment={"STUCK_IMPORT": "1"}, ready="The master imports them.")
    with up:
        began = time.monotonic()
        first(up).send_signal(signal.SIGTERM)

        assert up.wait() == 128 + signal.SIGTERM
        assert time.monotonic() - began < 5

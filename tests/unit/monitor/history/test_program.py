"""The history of the running monitor."""

import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from builders import plan
from django_tandem.monitor.history import HISTORY, read
from django_tandem.monitor.program import Monitor
from django_tandem.render import supervisor
from harness.client import wait_for
from unit.monitor.lines import line

pytestmark = pytest.mark.processes


def test_the_monitor_writes_what_it_has_counted_when_it_stops(tmp_path) -> None:
    """The minute that has begun, too; the next start adds to what there is."""
    made = plan(run_dir=str(tmp_path))
    for file in supervisor.TARGET.render(made):
        (tmp_path / file.name).write_text(file.content)
    argv = [sys.executable, "-P", "-m", "django_tandem.monitor", str(tmp_path)]

    socket = tmp_path / "metrics.sock"
    for _ in range(2):
        socket.unlink(missing_ok=True)
        at = f"{time.time():.3f}"
        (tmp_path / "requests.tsv").write_text(f"{line(at=at)}\n{line(at=at, status='503')}\n")
        with subprocess.Popen(argv) as monitor:
            assert wait_for(socket.exists)
            monitor.send_signal(signal.SIGTERM)
            assert monitor.wait(10) == 0

    found = list(read(tmp_path / HISTORY, since=0, until=math.inf))
    # The minute may have ended meanwhile.
    assert {each.route for each in found} == {"/shop/"}
    assert sum(map(Counter, (each.statuses for each in found)), Counter()) == {200: 2, 503: 2}


def test_without_sqlite_no_history_is_kept(tmp_path, monkeypatch, capsys) -> None:
    """Python may have been built without it; only the history needs it."""
    monkeypatch.setitem(sys.modules, "django_tandem.monitor.history", None)

    Monitor(tmp_path, os.getpid())

    assert capsys.readouterr().err.startswith("No history is kept: ")

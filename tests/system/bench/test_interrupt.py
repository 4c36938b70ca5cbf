"""An interrupted `tandem bench` keeps its finished rounds and leaves nothing running."""

import contextlib
import json
import os
import signal
from pathlib import Path

import psutil
import pytest
from bench.command import SHORT, Bench, made_in


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    return made_in(tmp_path_factory.mktemp("ended"))


def test_ctrl_c_keeps_the_rounds_that_were_finished(project, tmp_path) -> None:
    """They are printed and written, the exit code is 130, and no process or directory is left."""
    file = tmp_path / "out.json"
    bench = Bench(project, *SHORT, "--rounds", "9", "--json", str(file), "/")
    try:
        bench.wait_for("Round 2 of 9: ASGI only (uvicorn), GET /")
        below = psutil.Process(bench.process.pid).children(recursive=True)
        run_dirs = _run_dirs(below)
        # A terminal signals the whole process group, the load generator included.
        os.killpg(bench.process.pid, signal.SIGINT)
        code, printed = bench.end()
    finally:
        bench.stop()

    assert code == 130, bench.output
    assert "\nWSGI only (gunicorn) " in printed
    assert "The session was interrupted" in bench.output
    rows = json.loads(file.read_text())["rows"]
    assert [row["numbers"] for row in rows] == [[1], [1], [1, 2]]
    assert [row["failure"] for row in rows] == ["", "", ""]
    _assert_gone(below, run_dirs)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_running(sent, project) -> None:
    """The measured stack has its own session, and is stopped all the same."""
    bench = Bench(project, *SHORT, "/")
    try:
        bench.wait_for("Round 1 of 1: WSGI only (gunicorn), GET /")
        below = psutil.Process(bench.process.pid).children(recursive=True)
        run_dirs = _run_dirs(below)
        bench.process.send_signal(sent)
        code, _ = bench.end()
    finally:
        bench.stop()

    assert code == 130, bench.output
    _assert_gone(below, run_dirs)


def _run_dirs(below: list[psutil.Process]) -> list[Path]:
    lines = [each.cmdline() for each in below]
    found = [Path(line[-1]).parent for line in lines if "supervisor.supervisord" in line]
    assert found
    return found


def _assert_gone(below: list[psutil.Process], run_dirs: list[Path]) -> None:
    assert [each for each in below if _runs(each)] == []
    assert [each for each in run_dirs if each.exists()] == []


def _runs(process: psutil.Process) -> bool:
    # A zombie has ended.
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False

"""The project's own benchmark stops what it started, also the hybrid that is written by hand."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from harness.stack import clean_environment

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
ARGS = ("--only", "reference", "--load", "DRF", "--rounds", "1", "--duration", "30")
STARTED = "Round 1 of 1: hybrid by hand, DRF list"


def test_sigterm_stops_the_servers_the_database_and_the_redis() -> None:
    """As when `make bench` is ended: make passes the signal on."""
    with tempfile.TemporaryFile("w+") as log:
        bench = subprocess.Popen(
            [sys.executable, "-m", "side_by_side", *ARGS],
            env=clean_environment() | {"PYTHONPATH": str(BENCHMARKS)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_for(STARTED, bench, log)
            below = psutil.Process(bench.pid).children(recursive=True)
            commands = "\n".join(" ".join(each.cmdline()) for each in below)
            bench.terminate()
            code = bench.wait(60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(bench.pid, signal.SIGKILL)
            bench.wait()

    assert code == 130
    assert all(name in commands for name in ("gunicorn", "daphne", "postgres", "valkey"))
    assert [each for each in below if _runs(each)] == []


def _wait_for(text: str, bench: subprocess.Popen, log) -> None:
    until = time.monotonic() + 90
    while True:
        log.seek(0)
        printed = log.read()
        if text in printed:
            return
        assert bench.poll() is None, printed
        assert time.monotonic() < until, printed
        time.sleep(0.2)


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False

"""Whoever reads the output of a stack, or does not, stalls neither requests nor the stop."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from django_tandem.runtime import run_dir
from harness.client import wait_for
from harness.projects import SMALL, without_apps
from harness.stack import clean_environment, free_port, tandem

# 40 MB without the end of a line, then a progress bar, then nothing.
WITHOUT_NEWLINES = """
import sys, time
for _ in range(10_000):
    sys.stdout.write("." * 4096)
for percent in range(100):
    sys.stdout.write(f"\\r{percent} %")
sys.stdout.write("\\n")
time.sleep(600)
"""
# Each makes a line of 3,500 characters in the access log.
TARGET = "/?" + "x" * 3500
# So many lines fill the pipe to supervisord, if there were one, and the buffer of its output.
ENOUGH = 800


@contextmanager
def started(directory: Path, stdout: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    up = subprocess.Popen(
        [sys.executable, "-m", "django_tandem", "up", "--bind", f"127.0.0.1:{port}"],
        cwd=directory,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert any(line.startswith("Ready: ") for line in up.stderr)
        yield up, port
    finally:
        up.send_signal(signal.SIGCONT)
        up.terminate()
        up.wait(timeout=30)
        up.stderr.close()


def get(port: int, number: int) -> None:
    """Send requests over one connection, each of which must be answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(number):
        connection.request("GET", TARGET)
        assert connection.getresponse().read()
    connection.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for end in (reader, writer):
        os.close(end)


def test_a_reader_that_stalls_stalls_nothing_else(tmp_path, pipe) -> None:
    """Lines are left out and counted; SIGTERM stops the stack as ever."""
    without_apps(tmp_path, **SMALL)
    reader, writer = pipe

    with started(tmp_path, writer) as (up, port):
        get(port, ENOUGH)
        wait_for(lambda: run_dir.locate(str(tmp_path), ".tandem").joinpath("nginx.log").stat())

        # It reads again: what was buffered comes first, then how much was not.
        os.set_blocking(reader, False)
        read = bytearray()

        def has_read(text: bytes) -> bool:
            while data := _read(reader):
                read.extend(data)
            return text in read

        wait_for(lambda: has_read(b" lines left out, since this output was not read in time"))
        assert read.count(TARGET.encode()) < ENOUGH

        # And stalls once more.
        get(port, ENOUGH)
        began = time.monotonic()
        up.terminate()
        assert up.wait(timeout=30) == 0
        assert time.monotonic() - began < 10


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return b""


def test_a_supervisord_that_stands_still_stalls_no_request(tmp_path) -> None:
    """The programs log to files, and not through it."""
    without_apps(tmp_path, **SMALL)

    with started(tmp_path, subprocess.DEVNULL) as (up, port):
        up.send_signal(signal.SIGSTOP)

        get(port, 300)

        log = run_dir.locate(str(tmp_path), ".tandem") / "nginx.log"
        wait_for(lambda: log.read_text().count(TARGET) >= 300)
        assert log.read_text().count(TARGET) == 300


def test_a_closed_stdout_changes_nothing(tmp_path) -> None:
    """Its number must not go to a file that is opened later, such as the lock."""
    without_apps(tmp_path, **SMALL)
    port = free_port()
    command = f"exec {sys.executable} -m django_tandem up --bind 127.0.0.1:{port} >&-"

    up = subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=tmp_path, env=clean_environment(), stderr=subprocess.PIPE
    )
    try:
        assert any(line.startswith(b"Ready: ") for line in up.stderr)
        get(port, 10)
        assert tandem(tmp_path, "status").returncode == 0
        assert tandem(tmp_path, "down").returncode == 0
    finally:
        up.terminate()
    assert up.wait(timeout=30) == 0
    up.stderr.close()


def test_output_without_newlines_is_cut(tmp_path) -> None:
    """supervisord's memory stays, and the rest is shown."""
    without_apps(tmp_path, **SMALL, PROGRAMS={"dots": [sys.executable, "dots.py"]})
    (tmp_path / "dots.py").write_text(WITHOUT_NEWLINES)
    reader, writer = os.pipe()

    with started(tmp_path, writer) as (up, _port):
        os.close(writer)
        shown = bytearray()
        last, data = b"\ndots-1     | 99 %\n", b""
        # All of it would be searched again at each of thousands of reads.
        while last not in shown[-len(last) - len(data) :]:
            data = os.read(reader, 65536)
            assert data, shown[-200:]
            shown.extend(data)

        assert psutil.Process(up.pid).memory_info().rss < 60_000_000
        assert max(map(len, shown.splitlines())) < 66_000
        log = tmp_path / ".tandem" / "dots-1.log"
        wait_for(lambda: log.stat().st_size < 11_000_000, within_s=10)
    os.close(reader)

"""Processes that outlive their supervisord are ended, and no others."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from django_tandem.runtime import orphans
from django_tandem.runtime.orphans import Started

pytestmark = pytest.mark.processes

SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
IGNORES_SIGTERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
# Its child stays in its process group, as a server's workers do.
CHILD = f"subprocess.Popen([sys.executable, '-c', {IGNORES_SIGTERM!r}])"
WITH_CHILD = f"import subprocess, sys; {CHILD}; {SLEEPS}"

Start = Callable[[str], Started]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program in its own group, as supervisord does, and return what it kept."""
    with ExitStack() as started:
        yield lambda code: started.enter_context(_running(code))


@contextmanager
def _running(code: str) -> Iterator[Started]:
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, process_group=0
    )
    for _ in range(code.count("up")):
        process.stdout.readline()
    try:
        yield orphans.describe("wsgi-1", process.pid)
    finally:
        for each in members(process.pid):
            each.kill()
        process.wait()
        process.stdout.close()


def members(group: int) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _group(process.pid) == group]


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def living(group: int) -> list[psutil.Process]:
    return [each for each in members(group) if each.status() != psutil.STATUS_ZOMBIE]


def end(run_dir: Path, within_s: float = 5) -> tuple[bool, list[str]]:
    reports: list[str] = []
    return orphans.end_orphans(run_dir, reports.append, within_s=within_s), reports


def test_recorded_processes_are_ended(start, tmp_path) -> None:
    """Their pids are named, and then there is nothing left to end."""
    started = start(SLEEPS)
    orphans.record(tmp_path, [started])

    assert end(tmp_path) == (
        True,
        [f"Ending the processes of a supervisord that was killed: wsgi-1 ({started.pid})."],
    )
    assert living(started.pid) == []
    assert end(tmp_path) == (False, [])


def test_a_process_that_ignores_sigterm_is_killed_with_its_group(start, tmp_path) -> None:
    """After its grace period."""
    started = start(WITH_CHILD)
    assert len(living(started.pid)) == 2
    orphans.record(tmp_path, [started])

    assert end(tmp_path, within_s=0.5)[0]

    assert living(started.pid) == []


def test_a_group_without_its_leader_is_ended(start, tmp_path) -> None:
    """Such as the workers of a master that was killed."""
    started = start(WITH_CHILD)
    orphans.record(tmp_path, [started])
    os.kill(started.pid, signal.SIGKILL)
    os.waitpid(started.pid, 0)
    assert len(living(started.pid)) == 1

    assert end(tmp_path, within_s=0.5)[0]

    assert living(started.pid) == []


def test_orphans_are_found_after_the_clock_is_set(start, tmp_path, monkeypatch) -> None:
    """As by NTP while supervisord was running."""
    started = start(SLEEPS)
    orphans.record(tmp_path, [started])
    from_clock = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: from_clock(process) + 30)

    assert orphans.find(tmp_path) == [started]


@pytest.mark.parametrize(
    "other",
    [
        # Another process got the pid: it was created at another time.
        lambda started: replace(started, created_at=started.created_at - 0.01),
        lambda started: replace(started, created_at=started.created_at + 0.01),
        lambda started: replace(started, session=started.session + 1),
    ],
)
def test_a_process_that_got_the_pid_since_survives(start, tmp_path, other) -> None:
    """It leads a group of the same number, and is not ours."""
    started = start(SLEEPS)
    orphans.record(tmp_path, [other(started)])

    assert end(tmp_path) == (False, [])
    assert len(living(started.pid)) == 1


def test_a_record_of_another_boot_or_container_is_ignored(start, tmp_path) -> None:
    """The same pids are other processes there."""
    started = start(SLEEPS)
    kept = {"namespace": "another", "started": [asdict(started)]}
    (tmp_path / orphans.NAME).write_text(json.dumps(kept))

    assert end(tmp_path) == (False, [])
    assert len(living(started.pid)) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"started": [{"pid": 1}]}', "\0"])
def test_an_invalid_record_is_ignored(text, tmp_path) -> None:
    """It is no reason to fail either."""
    (tmp_path / orphans.NAME).write_text(text)

    assert end(tmp_path) == (False, [])


def test_without_a_record_there_are_no_orphans(tmp_path) -> None:
    """Nor without the directory."""
    assert orphans.find(tmp_path) == orphans.find(tmp_path / "none") == []

"""What outlived its supervisord is ended, and nothing else ever is."""

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

SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
# Its child stays in its process group, as a server's workers do.
WITH_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); {SLEEPS}"

Start = Callable[[str], Started]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program in a group of its own, as supervisord does, and return what it kept."""
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
    said: list[str] = []
    return orphans.end(run_dir, said.append, within_s=within_s), said


def test_what_was_kept_is_ended(start, tmp_path) -> None:
    """With its pid said, and then there is nothing left to end."""
    started = start(SLEEPS)
    orphans.keep(tmp_path, [started])

    assert end(tmp_path) == (
        True,
        [f"Ending what a supervisord that was killed left running: wsgi-1 ({started.pid})."],
    )
    assert living(started.pid) == []
    assert end(tmp_path) == (False, [])


def test_what_does_not_listen_is_killed_with_its_group(start, tmp_path) -> None:
    """When its time is over."""
    started = start(WITH_CHILD)
    assert len(living(started.pid)) == 2
    orphans.keep(tmp_path, [started])

    assert end(tmp_path, within_s=0.5)[0]

    assert living(started.pid) == []


def test_a_group_whose_leader_is_gone_is_ended(start, tmp_path) -> None:
    """As the workers of a master that was killed."""
    started = start(WITH_CHILD)
    orphans.keep(tmp_path, [started])
    os.kill(started.pid, signal.SIGKILL)
    os.waitpid(started.pid, 0)
    assert len(living(started.pid)) == 1

    assert end(tmp_path, within_s=0.5)[0]

    assert living(started.pid) == []


@pytest.mark.parametrize(
    "other",
    [
        # Another process got the pid: it began at another time.
        lambda started: replace(started, begun=started.begun - 1),
        lambda started: replace(started, begun=started.begun + 1),
        lambda started: replace(started, session=started.session + 1),
    ],
)
def test_whoever_got_the_pid_since_survives(start, tmp_path, other) -> None:
    """It leads a group of the same number, and is none of ours."""
    started = start(SLEEPS)
    orphans.keep(tmp_path, [other(started)])

    assert end(tmp_path) == (False, [])
    assert len(living(started.pid)) == 1


def test_a_record_of_another_machine_or_container_names_nobody(start, tmp_path) -> None:
    """Its pids count from the start there too."""
    started = start(SLEEPS)
    kept = {"world": "another", "started": [asdict(started)]}
    (tmp_path / orphans.NAME).write_text(json.dumps(kept))

    assert end(tmp_path) == (False, [])
    assert len(living(started.pid)) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"started": [{"pid": 1}]}', "\0"])
def test_what_tandem_did_not_write_names_nobody(text, tmp_path) -> None:
    """And is no reason to fail."""
    (tmp_path / orphans.NAME).write_text(text)

    assert end(tmp_path) == (False, [])


def test_a_directory_in_which_nothing_ran_holds_nothing(tmp_path) -> None:
    """Nor one that is not there."""
    assert orphans.left(tmp_path) == orphans.left(tmp_path / "none") == []

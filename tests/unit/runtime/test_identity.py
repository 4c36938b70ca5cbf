"""A signal reaches a process whose identity is proved, and no other."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from django_tandem.runtime.identity import UNKNOWN, ProcessIdentity, identify, send_signal


@pytest.fixture
def sleeping() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def test_a_proved_process_gets_the_signal(sleeping) -> None:
    """It is the one that was identified."""
    assert send_signal(identify(sleeping.pid), signal.SIGTERM)

    assert sleeping.wait(10) == -signal.SIGTERM


def test_a_clock_that_is_set_changes_no_identity(sleeping, monkeypatch) -> None:
    """Linux counts from the boot, but psutil from the epoch."""
    identity = identify(sleeping.pid)
    from_clock = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: from_clock(process) + 30)

    assert identity.is_verified
    assert 0 <= identity.age_s < 60


@pytest.mark.parametrize(
    "other",
    [
        # The pid was reused.
        lambda own: replace(own, created_at=own.created_at - 0.01),
        # Another container, or another boot of the machine.
        lambda own: replace(own, namespace="another"),
        lambda own: UNKNOWN,
    ],
)
def test_another_process_of_that_pid_gets_none(sleeping, other) -> None:
    """It may be anybody's."""
    assert not send_signal(other(identify(sleeping.pid)), signal.SIGTERM)

    assert sleeping.poll() is None


def test_the_first_process_is_verified_and_gets_no_signal() -> None:
    """In a container supervisord is process 1: its use is shown, and its socket stops it."""
    first = identify(1)

    assert first.is_verified
    assert not replace(first, namespace="another").is_verified


@pytest.mark.parametrize("pid", [-1, 0, 1])
def test_no_pid_below_2_ever_gets_a_signal(pid, monkeypatch) -> None:
    """0 and -1 are groups of processes, 1 is init."""
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("it was signalled"))
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *_: pytest.fail("it was signalled"))
    first = identify(1)

    assert not send_signal(
        ProcessIdentity(pid=pid, created_at=first.created_at, namespace=first.namespace),
        signal.SIGTERM,
    )


def test_an_ended_process_has_no_identity(sleeping) -> None:
    """And gets no signal."""
    identity = identify(sleeping.pid)
    sleeping.kill()
    sleeping.wait()

    assert identify(sleeping.pid) is None
    assert not send_signal(identity, signal.SIGTERM)

"""The usage of a program is that of all the processes below it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from django_tandem.runtime.usage import Usage, usage_of, usages
from harness.client import wait_for

# A process with a child, each of which holds 30 MB and works for a moment.
HOLDING = """
import os, sys, time
kept = bytearray(os.urandom(1) * 30_000_000)
child = os.fork()
kept[:] = os.urandom(len(kept))
until = time.process_time() + 0.2
while time.process_time() < until: pass
if child: print("done", flush=True); sys.stdin.read(); os.kill(child, 9)
else: time.sleep(600)
"""


@pytest.fixture
def holding() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as started:
        started.stdout.readline()
        yield started.pid


def _usage(pid: int) -> Usage:
    return usages(os.getpid(), {pid})[pid]


def test_a_process_and_its_children_are_summed(holding) -> None:
    """Memory and CPU time of both processes."""
    found = wait_for(lambda: (used := _usage(holding)).cpu_s >= 0.35 and used)

    assert found.pss_mb > 60
    assert found.rss_mb > found.pss_mb
    assert found.cpu_s < 20


def test_children_of_other_processes_are_left_out(holding) -> None:
    """Only processes below one of the leaders count."""
    assert usages(holding, {os.getpid()}) == {}
    assert set(usages(os.getpid(), {holding, -1})) == {holding}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is counted in ticks")
def test_cpu_time_is_not_counted_in_ticks() -> None:
    """Ten processes that are each off by up to 20 ms would hide what a few seconds cost."""
    ended = os.times()
    before_s = time.process_time()
    used_s = usage_of(psutil.Process()).cpu_s - ended.children_user - ended.children_system
    after_s = time.process_time()

    assert before_s <= used_s <= after_s

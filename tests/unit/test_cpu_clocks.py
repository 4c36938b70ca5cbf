"""The kernel's clocks of the CPU time of other processes, and of the threads of this one."""

import subprocess
import sys
import threading
import time

import psutil
import pytest

from django_tandem.cpu_clocks import process_cpu_s, thread_cpu_s
from harness.client import wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the clocks are Linux's")
WORK = "import time\nwhile time.process_time() < 0.05: pass"


def test_a_thread_has_its_own_clock() -> None:
    """It is the one of thread_time(), as another thread reads it."""
    before_s = time.thread_time()
    read_s = thread_cpu_s(threading.get_native_id())
    after_s = time.thread_time()

    assert read_s is not None
    assert before_s <= read_s <= after_s


@pytest.mark.processes
def test_an_ended_process_has_its_clock_until_it_is_waited_for() -> None:
    """The total of a program does not fall in the moment between its end and the wait."""
    process = subprocess.Popen([sys.executable, "-c", WORK])
    ended = psutil.Process(process.pid)
    wait_for(lambda: ended.status() == psutil.STATUS_ZOMBIE)
    read_s = process_cpu_s(process.pid)
    process.wait()

    assert read_s is not None
    assert read_s >= 0.05
    assert process_cpu_s(process.pid) is None


def test_a_thread_of_another_process_has_none() -> None:
    """Its number may be one that a thread of this process had."""
    assert thread_cpu_s(psutil.Process().ppid()) is None


@pytest.mark.parametrize("read", [process_cpu_s, thread_cpu_s])
def test_no_process_and_no_thread_has_none(read) -> None:
    """The kernel would read the clock of the caller, for a thread that has not started."""
    assert read(0) is None

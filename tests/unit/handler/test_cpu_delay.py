"""The time without a CPU is that in which another process has the only one."""

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from django_tandem.handler import cpu_delay, cpu_time
from django_tandem.handler.cpu_delay import DelaySampling
from django_tandem.handler.cpu_time import CpuTime, ProcessCpuTime

COMPUTED_S = 0.1
DESCRIPTORS = Path("/proc/self/fd")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone counts it")


def compute(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


@pytest.fixture
def one_cpu():
    """Have this thread on one CPU, and return its number."""
    before = os.sched_getaffinity(0)
    cpu = min(before)
    os.sched_setaffinity(0, {cpu})
    yield cpu
    os.sched_setaffinity(0, before)


@pytest.fixture
def busy_process(one_cpu):
    """Have a process of the same priority compute there."""
    code = f"import os; os.sched_setaffinity(0, {{{one_cpu}}}); print(1, flush=True)\nwhile 1: pass"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


@pytest.mark.processes
def test_a_request_that_another_process_keeps_from_the_cpu_is_delayed(busy_process):
    """Its wall time is not a wait for anything else."""
    cpu = CpuTime()
    cpu.start()
    compute(COMPUTED_S)

    assert cpu.delay_s > COMPUTED_S / 4


def test_a_request_that_sleeps_is_not_delayed():
    """It could not compute."""
    before, began = cpu_delay.thread_delay(), time.monotonic()
    threading.Event().wait(0.2)

    assert cpu_delay.thread_delay() - before < time.monotonic() - began - 0.15


def test_another_thread_than_the_one_that_began_knows_no_delay():
    """The kernel counts by thread."""
    cpu, found = CpuTime(), []
    cpu.start()
    thread = threading.Thread(target=lambda: found.append(cpu.delay_s))
    thread.start()
    thread.join()

    assert found == [0.0]


def test_without_the_statistics_of_the_kernel_nothing_is_known(monkeypatch):
    """As on another system."""
    monkeypatch.setattr(cpu_delay, "SCHEDULING", "/nowhere")
    found = []
    thread = threading.Thread(target=lambda: found.append(cpu_delay.thread_delay()))
    thread.start()
    thread.join()

    assert found == [0.0]


def test_threads_that_have_ended_were_delayed_as_the_one_that_began(monkeypatch):
    """For each second of the CPU, and for no longer than the request took."""
    delays = iter([1.0, 1.002, 2.0, 2.5])
    monkeypatch.setattr(cpu_time, "thread_delay", lambda: next(delays))
    found = []
    for _ in range(2):
        cpu = ProcessCpuTime(DelaySampling())
        compute(0.01)
        thread = threading.Thread(target=compute, args=(0.03,))
        thread.start()
        thread.join()
        threading.Event().wait(0.1)
        found.append(cpu.use()[1])
        took_s = time.monotonic() - cpu._began_at

    assert 0.004 < found[0] < 0.02
    assert found[1] <= took_s


def test_a_thread_that_is_lent_to_a_request_adds_its_delay(monkeypatch):
    """Once its call has ended; a call within it counts once."""
    delays = iter([1.0, 1.5])
    monkeypatch.setattr(cpu_time, "thread_delay", lambda: next(delays))
    cpu = CpuTime()
    cpu.call_measured(cpu.call_measured, compute, 0)

    assert cpu.delay_s == 0.5


@pytest.mark.parametrize(("each_s", "weights"), [(0.01, {1.0}), (0.002, {0.0, 5.0})])
def test_a_busy_process_reads_the_delay_of_a_hundred_requests_a_second(each_s, weights):
    """Each stands for its share of them, so that the sums are those of all requests."""
    sampling, now = DelaySampling(random.Random(1).random), 1000.0
    found = []
    for _ in range(20_000):
        now += each_s
        found.append(round(sampling.weigh(now), 1))
    # Before the rate of a second is known, each is read.
    later = found[1000:]

    assert set(later) == weights
    assert sum(later) == pytest.approx(len(later), rel=0.05)


def test_a_process_whose_requests_become_few_reads_each_delay_again():
    """Once a second has had few of them."""
    sampling = DelaySampling(lambda: 0.999)
    busy = [sampling.weigh(100.0 + number / 1000) for number in range(3000)]
    calm = [sampling.weigh(105.0 + number) for number in range(10)]

    assert busy[-1] == 0.0
    assert set(calm[1:]) == {1.0}


def open_files():
    return len(list(DESCRIPTORS.iterdir()))


def test_a_thread_that_ends_leaves_no_open_file():
    """A pool may start and end many of them."""
    opened = open_files()
    during = []

    def read():
        cpu_delay.thread_delay()
        during.append(open_files())

    for _ in range(2):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()

    assert during == [opened + 1, opened + 1]
    assert open_files() == opened


def path_of_file():
    return (DESCRIPTORS / str(cpu_delay._of_thread.statistics._file)).readlink()


@pytest.mark.processes
def test_a_forked_process_reads_its_own_delay():
    """Not that of the thread it was forked from, whose file it closes."""
    cpu_delay.thread_delay()
    before = path_of_file()
    pid = os.fork()
    if pid == 0:
        cpu_delay.thread_delay()
        own = path_of_file()
        is_own = own != before and str(os.getpid()) in own.parts
        # Other threads of the parent, of an earlier test, may have had files, too.
        links = [each.readlink() for each in DESCRIPTORS.iterdir() if each.is_symlink()]
        files = [each for each in links if each.name == own.name]
        os._exit(0 if is_own and files == [own] else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

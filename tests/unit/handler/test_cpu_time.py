"""The CPU time of a request is that of its own code, on each thread that runs it."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from django_tandem.handler import cpu_time
from django_tandem.handler.cancellation import awaited_by
from django_tandem.handler.cpu_delay import DelaySampling
from django_tandem.handler.cpu_time import CpuTime, ProcessCpuTime, await_measured

COMPUTED_S = 0.03


def compute():
    until = time.thread_time() + COMPUTED_S
    while time.thread_time() < until:
        pass


def test_a_call_within_a_call_counts_once():
    """As where a view calls another application."""
    cpu = CpuTime()
    cpu.call_measured(cpu.call_measured, compute)

    assert COMPUTED_S <= cpu.so_far_s < 2 * COMPUTED_S
    assert cpu.threads == ()


def test_another_thread_reads_what_a_call_has_taken_so_far():
    """Which is more than the calls that have ended."""
    cpu, computed, read = CpuTime(), threading.Event(), threading.Event()

    def work():
        compute()
        computed.set()
        read.wait(10)

    thread = threading.Thread(target=cpu.call_measured, args=(work,))
    thread.start()
    computed.wait(10)
    during, threads = cpu.read_s(), cpu.threads
    read.set()
    thread.join()

    assert COMPUTED_S <= during < cpu.read_s() + COMPUTED_S
    assert threads == (thread.ident,)
    assert cpu.threads == ()


def test_an_awaited_error_and_a_cancellation_reach_the_coroutine():
    """As without the measurement."""
    seen = []

    async def view():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def run():
        task = asyncio.ensure_future(wrapped(view()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    async def wrapped(coroutine):
        await await_measured(coroutine, CpuTime())

    assert asyncio.run(run())
    assert seen == ["cancelled"]


def test_what_a_measured_coroutine_awaits_is_known():
    """From the outermost one to the future at the end."""
    found = []

    async def view():
        await asyncio.get_running_loop().create_future()

    async def run():
        outer = await_measured(view(), CpuTime())
        task = asyncio.ensure_future(_await(outer))
        await asyncio.sleep(0)
        each = task.get_coro()
        while each is not None:
            found.append(getattr(each, "__name__", type(each).__name__))
            each = awaited_by(each)
        task.cancel()

    async def _await(awaitable):
        await awaitable

    asyncio.run(run())

    assert found[0] == "_await"
    assert "view" in found


def test_a_process_with_one_request_counts_the_threads_that_it_starts():
    """Its own thread only waits for them; another thread may read it."""
    cpu = ProcessCpuTime(DelaySampling())
    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()

    assert cpu.use()[0] >= COMPUTED_S
    assert cpu.read_s() >= COMPUTED_S
    assert cpu.threads == (threading.get_ident(),)


@pytest.mark.parametrize(("off_s", "delay_s"), [(0.0009, 0.0), (0.0011, 0.0005)])
def test_a_request_reads_its_delay_only_if_it_was_off_the_cpu(monkeypatch, off_s, delay_s):
    """Off it for less than a millisecond it was not delayed by more, and a read costs time."""
    clocks = {"monotonic": 10.0, "process_time": 5.0, "thread_time": 5.0}
    delays = iter([2.0, 2.0005])
    for clock in tuple(clocks):
        monkeypatch.setattr(cpu_time, clock, lambda clock=clock: clocks[clock])
    monkeypatch.setattr(cpu_time, "thread_delay", lambda: next(delays))
    cpu = ProcessCpuTime(DelaySampling())
    clocks = {clock: seconds + 0.02 for clock, seconds in clocks.items()}
    clocks["monotonic"] += off_s

    assert cpu.use() == pytest.approx((0.02, delay_s, 0.0))
    assert len(list(delays)) == (1 if delay_s == 0.0 else 0)


def test_a_request_whose_delay_is_not_read_makes_no_system_call_for_it(monkeypatch):
    """Its CPU time is measured as ever, and the stack of its thread is known."""
    monkeypatch.setattr(cpu_time, "thread_delay", None)
    monkeypatch.setattr(cpu_time, "thread_time", None)
    cpu = ProcessCpuTime(weighing(0.0))
    compute()
    block()
    used_s, delay_s, blocked_s = cpu.use()

    assert used_s >= COMPUTED_S
    assert (delay_s, blocked_s) == (0.0, 0.0)
    assert cpu.threads == (threading.get_ident(),)


def test_the_delay_of_a_request_is_that_of_all_that_it_stands_for(monkeypatch):
    """Of seven requests, six of which were not read."""
    # Not those of this process, of which another thread may run meanwhile.
    clocks = {"monotonic": 10.0, "process_time": 5.0, "thread_time": 5.0}
    delays = iter([2.0, 2.001])
    for clock in tuple(clocks):
        monkeypatch.setattr(cpu_time, clock, lambda clock=clock: clocks[clock])
    monkeypatch.setattr(cpu_time, "thread_delay", lambda: next(delays))
    cpu = ProcessCpuTime(weighing(7.0))
    clocks = {clock: seconds + 0.02 for clock, seconds in clocks.items()}
    clocks["monotonic"] += 0.02

    assert cpu.use()[1] == pytest.approx(0.007)


def weighing(weight):
    """Return a sampling by which each request stands for so many."""
    sampling = DelaySampling(chance=lambda: 0.0 if weight else 1.0)
    sampling._weight, sampling._counted_since = max(1.0, weight), time.monotonic()
    return sampling


def block():
    """Wait, and keep the thread from everything else."""
    threading.Event().wait(COMPUTED_S)


async def blocking():
    await asyncio.sleep(0)
    block()


async def waiting():
    await asyncio.sleep(COMPUTED_S)


async def computing():
    await asyncio.sleep(0)
    compute()


async def in_a_thread():
    await asyncio.to_thread(block)


@pytest.mark.parametrize(
    ("view", "is_blocking"),
    [
        (blocking, True),
        (computing, True),
        (waiting, False),
        (in_a_thread, False),
    ],
)
def test_a_long_step_keeps_the_event_loop(view, is_blocking):
    """Whether it computes or waits; the request knows it before its step has ended."""
    cpu, seen = CpuTime(), []

    async def run():
        await view()
        seen.append(cpu.blocked_s)

    async def main():
        # A thread that starts does keep the loop, for as long as it waits for the CPU.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        await asyncio.to_thread(int)
        await await_measured(run(), cpu)

    asyncio.run(main())

    assert (cpu.blocked_s >= 0.5 * COMPUTED_S) == is_blocking
    assert (seen[0] >= 0.5 * COMPUTED_S) == is_blocking
    assert cpu.delay_s == 0.0


def test_only_a_long_step_counts_and_its_own_delay_once(monkeypatch):
    """Forty short ones keep the loop no longer than those of forty requests."""
    now = {"s": 0.0, "delay_s": 0.0}
    monkeypatch.setattr(cpu_time, "monotonic", lambda: now["s"])
    monkeypatch.setattr(cpu_time, "thread_delay", lambda: now["delay_s"])
    cpu, found = CpuTime(), []

    def step(seconds, delay_s=0.0):
        now["s"] += seconds
        now["delay_s"] += delay_s

    for _ in range(40):
        cpu.measure_step(step, 0.009)
    found.append(cpu.blocked_s)
    for delay_s in (0.015, 0.0):
        cpu.measure_step(step, 0.02, delay_s)
        found.append(cpu.blocked_s)

    assert found == pytest.approx([0.0, 0.005, 0.025])


def test_a_step_that_other_processes_delay_blocks_nothing(monkeypatch):
    """It would not, with a whole CPU."""
    delays = iter([5.0, 5.0 + 10 * COMPUTED_S, 5.0 + 10 * COMPUTED_S])
    monkeypatch.setattr(cpu_time, "thread_delay", lambda: next(delays))
    cpu = CpuTime()

    async def main():
        await await_measured(blocking(), cpu)

    asyncio.run(main())

    assert cpu.blocked_s == 0.0

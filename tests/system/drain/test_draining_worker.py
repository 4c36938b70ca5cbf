"""The Channels worker of a generation that is replaced finishes what it has begun."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

from harness.valkey import valkey

TESTS = Path(__file__).resolve().parent.parent
DEADLINE_S = 30


class Workshop:
    """A Valkey, workers on it, and the notes that their consumers make."""

    def __init__(self, directory, layer):
        self.directory = directory
        self.url = f"unix://{directory / 'valkey.sock'}"
        self.backend = layer
        self.layer = import_string(layer)(hosts=[self.url], capacity=10_000)

    @property
    def notes(self):
        path = self.directory / "notes"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def done(self, by=None):
        """Which messages were worked on to the end, and how often, by one worker or by all."""
        pids = {by.pid} if by else {int(pid) for _, _, pid in self.notes}
        found = [(int(number), int(pid)) for kind, number, pid in self.notes if kind == "done"]
        return Counter(number for number, pid in found if pid in pids)

    def worker(self):
        own = {
            "APPLICATION": "drain.site.work.application",
            "DJANGO_SETTINGS_MODULE": "drain.site.settings",
            "LAYER": self.backend,
            "NOTES": str(self.directory / "notes"),
            "PYTHONPATH": os.pathsep.join([*sys.path, str(TESTS)]),
            "REDIS_URL": self.url,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "django_tandem.inprocess.channels_worker", "work", "sync"],
            env=os.environ | own,
            stdin=subprocess.DEVNULL,
        )

    async def send(self, channel, number, s=0.0):
        await self.layer.send(channel, {"type": "work", "number": number, "s": s})

    async def until(self, is_so):
        until = time.monotonic() + DEADLINE_S
        while not is_so():
            assert time.monotonic() < until, self.notes
            await asyncio.sleep(0.02)

    async def begun(self, number):
        await self.until(lambda: ["begun", str(number)] in [note[:2] for note in self.notes])


@pytest.fixture(
    params=["channels_redis.core.RedisChannelLayer", "django_tandem.channels.RedisLayer"]
)
def workshop(tmp_path, request):
    with valkey(tmp_path):
        yield Workshop(tmp_path, request.param)


def catches_sigterm(process):
    """Whether it takes messages: from its start until the stop."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


@contextlib.contextmanager
def stopped_after(*workers):
    try:
        yield
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()


def test_messages_are_worked_on_once_while_one_worker_follows_another(workshop):
    """The first finishes what it has begun, the second takes the rest; none is lost."""

    async def run():
        first = workshop.worker()
        with stopped_after(first):
            await workshop.send("work", 0, s=3)
            await workshop.send("sync", 1, s=3)
            await workshop.begun(0)
            await workshop.begun(1)
            second = workshop.worker()
            with stopped_after(second):
                await workshop.send("work", 2)
                first.send_signal(signal.SIGTERM)
                for number in range(3, 303):
                    await workshop.send("work", number)
                await workshop.until(lambda: len(workshop.done()) == 303)
                await workshop.until(lambda: first.poll() is not None)
                second.send_signal(signal.SIGINT)
                await workshop.until(lambda: second.poll() is not None)
        return first, second

    first, second = asyncio.run(run())
    assert set(workshop.done().values()) == {1}
    assert {0, 1} <= set(workshop.done(first))
    assert len(workshop.done(second)) > 200
    assert (first.returncode, second.returncode) == (0, 0)


def test_a_worker_that_nothing_supervises_takes_the_stop(workshop):
    """It is executed with the signals blocked, so that none is lost before it handles them."""

    async def run():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        try:
            worker = workshop.worker()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        with stopped_after(worker):
            await workshop.send("work", 0, s=1)
            await workshop.begun(0)
            worker.send_signal(signal.SIGTERM)
            await workshop.until(lambda: worker.poll() is not None)
        return worker

    worker = asyncio.run(run())
    assert set(workshop.done()) == {0}
    assert worker.returncode == 0


def test_two_workers_do_not_do_the_same_work(workshop):
    """A reload has two for a while, and both take messages."""

    async def run():
        workers = [workshop.worker(), workshop.worker()]
        with stopped_after(*workers):
            await workshop.until(lambda: all(catches_sigterm(each) for each in workers))
            sent: list[int] = []
            # On a busy machine one of them may be late for the first.
            while len(sent) < 600 or not all(workshop.done(worker) for worker in workers):
                for number in range(len(sent), len(sent) + 200):
                    await workshop.send("work", number)
                    sent.append(number)
                await workshop.until(lambda: len(workshop.done()) == len(sent))
            for worker in workers:
                worker.send_signal(signal.SIGTERM)
            await workshop.until(lambda: all(each.poll() is not None for each in workers))
        return workers

    workers = asyncio.run(run())
    assert set(workshop.done().values()) == {1}
    assert all(workshop.done(worker) for worker in workers)


def test_a_second_signal_ends_it_at_once(workshop):
    """Whoever insists is heard."""

    async def run():
        worker = workshop.worker()
        with stopped_after(worker):
            await workshop.send("work", 0, s=60)
            await workshop.begun(0)
            worker.send_signal(signal.SIGTERM)
            await workshop.until(lambda: not catches_sigterm(worker))
            assert worker.poll() is None
            worker.send_signal(signal.SIGTERM)
            await workshop.until(lambda: worker.poll() is not None)
        return worker.returncode

    assert asyncio.run(run()) == -signal.SIGTERM

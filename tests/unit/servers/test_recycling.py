"""Which worker is replaced, and when, without any process."""

import os
import re
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace

import pytest

from django_tandem.model import Recycle
from django_tandem.servers.adapters.recycling import JITTER, Recycling, with_jitter


@dataclass(frozen=True)
class Kind:
    name: str


WSGI, ASGI = Kind("wsgi"), Kind("asgi")


@dataclass
class Worker:
    """A worker as the master has it."""

    pid: int
    kind: Kind = WSGI
    bounds: Recycle = Recycle(requests=10)
    requests: int = 0
    is_ready: bool = True
    is_draining: bool = False
    forked_at: float = 0

    @property
    def report(self):
        return SimpleNamespace(is_ready=self.is_ready, requests=self.requests)


@dataclass
class Master:
    """Starts and drains workers that are values, and logs to a list."""

    workers: dict = field(default_factory=dict)
    can_spawn: bool = True
    lines: list = field(default_factory=list)
    now: float = 0

    def __post_init__(self):
        self.recycling = Recycling(
            lambda: self.workers, self.spawn, self.drain, self.log, lambda: self.now
        )

    def add(self, pid, **values):
        self.workers[pid] = Worker(pid=pid, **values)
        return self.workers[pid]

    def spawn(self, kind):
        if not self.can_spawn:
            return 0
        return self.add(max(self.workers) + 1, kind=kind, is_ready=False).pid

    def drain(self, worker):
        worker.is_draining = True

    def log(self, kind, text):
        self.lines.append((kind.name, text))


@pytest.fixture
def master():
    made = Master()
    made.add(1)
    made.add(2, kind=ASGI)
    return made


def test_nothing_happens_within_the_bounds(master) -> None:
    """No spare is started in advance."""
    master.recycling.advance()

    assert set(master.workers) == {1, 2}


def test_the_old_worker_drains_once_the_new_one_is_ready(master) -> None:
    """Until then it serves."""
    master.workers[1].requests = 10
    master.recycling.advance()
    master.recycling.advance()

    assert not master.workers[1].is_draining
    assert master.recycling.is_spare(master.workers[3])

    master.workers[3].is_ready = True
    master.recycling.advance()

    assert master.workers[1].is_draining
    assert not master.recycling.is_spare(master.workers[3])
    assert master.lines == [("wsgi", "Worker 1 has served 10 requests and will be replaced.")]


def test_one_worker_is_replaced_at_a_time(master) -> None:
    """In the whole master, until the old one has ended."""
    master.workers[1].requests = master.workers[2].requests = 10
    master.recycling.advance()
    master.workers[3].is_ready = True
    for _ in range(3):
        master.recycling.advance()
    assert set(master.workers) == {1, 2, 3}

    del master.workers[1]
    master.recycling.advance()

    assert master.workers[4].kind is ASGI


def test_a_new_worker_that_dies_is_tried_again_with_growing_delays(master) -> None:
    """The old one keeps serving, and its replacement is announced once."""
    master.workers[1].requests = 10
    attempts = []
    for second in range(1500):
        master.now = second
        master.recycling.advance()
        if master.workers.pop(3, None):
            attempts.append(second)

    assert set(master.workers) == {1, 2}
    waits = [after - before for before, after in pairwise(attempts)]
    # The end is noticed a second later.
    assert waits == [6, 11, 21, 41, 81, 161, 301, 301, 301]
    assert master.lines[:3] == [
        ("wsgi", "Worker 1 has served 10 requests and will be replaced."),
        ("wsgi", "A new worker ended before it served. The next one starts in 5 s."),
        ("wsgi", "A new worker ended before it served. The next one starts in 10 s."),
    ]
    assert sum("will be replaced" in line for _, line in master.lines) == 1


def test_workers_of_another_kind_are_replaced_meanwhile(master) -> None:
    """The delay is for the kind whose new worker ended."""
    master.workers[1].requests = master.workers[2].requests = 10
    master.recycling.advance()
    del master.workers[3]
    master.recycling.advance()

    assert master.recycling.is_spare(master.workers[3])
    assert master.workers[3].kind is ASGI


def test_the_delay_begins_anew_after_a_replacement(master) -> None:
    """What failed is mended by then."""
    for _ in range(2):
        master.workers[1] = Worker(pid=1, requests=10)
        master.now += 400
        master.recycling.advance()
        del master.workers[3]
        master.recycling.advance()
        master.now += 400
        master.recycling.advance()
        master.workers[3].is_ready = True
        master.recycling.advance()
        assert master.workers[1].is_draining
        del master.workers[1], master.workers[3]
        master.recycling.advance()

    assert [line for _, line in master.lines if "starts in" in line] == [
        "A new worker ended before it served. The next one starts in 5 s."
    ] * 2


def test_an_old_worker_that_dies_needs_no_replacement(master) -> None:
    """The spare is a worker as any other."""
    master.workers[1].requests = 10
    master.recycling.advance()
    del master.workers[1]
    master.recycling.advance()

    assert not master.recycling.is_spare(master.workers[3])


def test_a_worker_that_has_not_served_yet_is_not_replaced(master) -> None:
    """It would never come to serve."""
    master.workers[1].requests, master.workers[1].is_ready = 10, False
    master.recycling.advance()

    assert set(master.workers) == {1, 2}


def test_a_bound_for_memory_below_that_of_new_workers_is_ignored(master) -> None:
    """After two in succession, with a line."""
    bounds = Recycle(memory_bytes=2**20)
    own, parent = os.getpid(), os.getppid()
    master.workers = {own: Worker(pid=own, bounds=bounds)}
    master.recycling.advance()
    assert master.workers[own + 1].pid == own + 1

    del master.workers[own + 1]
    master.recycling.advance()
    del master.workers[own]
    master.add(parent, bounds=bounds)
    master.now = 100
    master.recycling.advance()

    assert set(master.workers) == {parent}
    kind, line = master.lines[-1]
    assert kind == "wsgi"
    assert re.fullmatch(
        r'New workers take \d+ MB, so TANDEM\["RECYCLE"\]\["MEMORY"\] of 1 MB is ignored for wsgi '
        r"workers\.",
        line,
    )


def test_a_bound_for_memory_holds_again_once_a_new_worker_is_below_it(master) -> None:
    """Two that met a large request at once keep no kind from being replaced for ever."""
    own, parent = os.getpid(), os.getppid()
    master.workers = {
        own: Worker(pid=own, bounds=Recycle(memory_bytes=1)),
        parent: Worker(pid=parent, bounds=Recycle(memory_bytes=1)),
    }
    master.recycling.advance()
    assert set(master.workers) == {own, parent}

    master.add(1, bounds=Recycle(memory_bytes=2**50))
    master.recycling.advance()

    assert len(master.workers) == 4


def test_bounds_differ_between_workers_by_a_tenth() -> None:
    """Those that started together are not replaced all at once; memory is as it is set."""
    bounds = Recycle(memory_bytes=5, age_s=1000, requests=1000)
    several = [with_jitter(bounds) for _ in range(50)]

    assert len({each.age_s for each in several}) > 10
    assert all(1000 * (1 - JITTER) <= each.age_s <= 1000 * (1 + JITTER) for each in several)
    assert {each.memory_bytes for each in several} == {5}
    assert with_jitter(Recycle()) == Recycle()

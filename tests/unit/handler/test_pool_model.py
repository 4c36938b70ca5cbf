"""
Every order in which the pool's changes can happen, for a few requests on a few threads.

The pool changes its state under its lock, and runs everything else between two changes. Here each
thread is advanced by hand, one change or one call at a time, with any step of any request before
it; each state that can be reached is visited once.
"""

import functools
from collections import deque

import pytest

from django_tandem.handler import leftovers, switching, thread_pool, wait_queue
from django_tandem.handler.switching import RequestExecutor
from django_tandem.handler.thread_lease import TRANSITIONS, LeaseState, PoolExhausted
from django_tandem.handler.thread_pool import ThreadPool

READ, WRITE, CHECK, SUSPEND, RELEASE = "read", "write", "check", "suspend", "release"
BEGIN, COMMIT, FINISH = "begin", "commit", "finish"

# What the view of a request does, one after another: it awaits each call before the next step.
READS_THEN_WRITES = (READ, SUSPEND, WRITE, SUSPEND, CHECK, RELEASE)
WRITES = (WRITE, SUSPEND, READ, SUSPEND, CHECK, RELEASE)
READS = (READ, SUSPEND, READ, RELEASE)
SYNC = (CHECK, RELEASE)
# What follows the release is of a task that outlives the request.
COMMITS_LATE = (CHECK, RELEASE, BEGIN, COMMIT)
LEAVES_OPEN = (BEGIN, RELEASE, CHECK)
# The handler ends the request beside such a task.
FINISHES = (CHECK, RELEASE, BEGIN, FINISH, COMMIT)


class SteppedThread:
    """A worker whose thread is advanced by the test."""

    def __init__(self, world):
        self.world = world
        self.is_overflow = False
        self.has_ended = False
        self.inbox = deque()
        self.steps = self.task = None
        self.left_by = self.transaction = None

    def start(self):
        self.world.starts += 1
        if self.world.starts == self.world.failing_start:
            raise RuntimeError("can't start new thread")
        self.world.threads.append(self)

    def wake(self, lease):
        self.inbox.append(lease)

    @property
    def has_work(self):
        return not self.has_ended and bool(self.steps or self.inbox)

    def advance(self):
        """Run what the last change has yielded, or make the next change."""
        self.world.thread = self
        if self.task is not None:
            task, self.task = self.task, None
            task()
            return
        if self.steps is None:
            lease = self.inbox.popleft()
            if lease is None:
                self.has_ended = True
                return
            self.steps = self.world.pool.serve(self, lease)
        self.task = next(self.steps, None)
        if self.task is None:
            self.steps = None


class Request:
    """One request, and how far it is in its steps."""

    def __init__(self, world, steps):
        self.world = world
        self.steps = steps
        self.at = 0
        self.executor = RequestExecutor(world.pool, keeps_thread=True, on_acquire=(), on_release=())
        self.call = None
        self.must_suspend = False
        self.has_written = self.is_over = self.begins_late = False

    @property
    def can_continue(self):
        if self.must_suspend:
            return True
        return self.at < len(self.steps) and (self.call is None or self.call.done())

    def advance(self):
        """Take the next step of the view, on the event loop."""
        if self.must_suspend:
            self.must_suspend = False
            before = self.executor.lease.state
            self.executor.note_suspended()
            # It awaits its call, which may be done by now.
            assert self.executor.lease.state is before, "a request that awaits its call is waiting"
            return
        step = self.steps[self.at]
        self.at += 1
        if self.call is not None:
            self.call.result()
        if step == SUSPEND:
            self.executor.note_suspended()
        elif step == RELEASE:
            self.is_over = True
            self.executor.release()
        else:
            self.begins_late = self.begins_late or (step == BEGIN and self.is_over)
            self.call = self.submit(step)
            # The handler does not know when a task that outlives it suspends.
            self.must_suspend = not self.is_over

    def submit(self, step):
        """Submit a call of the step; None for one that then runs outside the pool."""
        if step != FINISH:
            return self.executor.submit(functools.partial(self.run, step))
        # As asgiref submits it.
        function = functools.partial(switching._call_at_end)
        try:
            return self.executor.submit(functools.partial(self.run, step, function))
        except PoolExhausted:
            return None

    def run(self, step, _function=None):
        """What a call does on the thread: it finds what its request has left, and nothing else."""
        thread = self.world.thread
        assert thread.left_by in (None, self), "a thread has what another request left"
        if self.has_written:
            assert thread.left_by is self, "a request has lost what it left on its thread"
        if step == WRITE:
            thread.left_by, self.has_written = self, True
        expected = self if step in (COMMIT, FINISH) else None
        assert thread.transaction is expected, "a transaction is not where it was begun"
        if step in (BEGIN, COMMIT):
            thread.transaction = self if step == BEGIN else None


class World:
    """A pool with stepped threads, and its requests."""

    def __init__(self, bound, scripts, failing_start):
        self.thread = None
        self.threads = []
        self.starts, self.failing_start = 0, failing_start
        self.pool = ThreadPool(bound)
        self.requests = [Request(self, steps) for steps in scripts]

    def clean(self):
        owner = self.thread.left_by
        assert owner is None or owner.is_over, "a thread was cleaned under its request"
        open_by, self.thread.transaction = self.thread.transaction, None
        is_late = open_by is not None and open_by.begins_late
        assert not is_late, "a thread was cleaned in the transaction of a task"
        self.thread.left_by = None

    def events(self):
        """Return what can happen next; an index for each."""
        actors = [*self.requests, *self.threads]
        able = [r.can_continue for r in self.requests] + [t.has_work for t in self.threads]
        found = [index for index, is_able in enumerate(able) if is_able]
        is_resuming = any(lease.state is LeaseState.RESUMING for lease in self.pool.leases)
        if is_resuming or self.pool.start_error is not None:
            found.append(len(actors))
        return found

    def happen(self, event):
        actors = [*self.requests, *self.threads]
        if event < len(actors):
            actors[event].advance()
        else:
            self.pool.tick(NoLoop())
        counts = self.pool.counts()
        assert counts.size <= self.pool.bound
        assert counts.overflow <= thread_pool.MAX_OVERFLOW
        assert counts.size + counts.overflow == len(self.pool.threads)

    def state(self):
        """Return all that decides what can happen from here on."""
        threads = {thread: index for index, thread in enumerate(self.threads)}
        leases = {request.executor.lease: at for at, request in enumerate(self.requests)}
        return (
            (self.starts, self.pool.start_error),
            tuple(
                (r.at, r.must_suspend, r.call is not None and r.call.done(), _lease(r, threads))
                for r in self.requests
            ),
            tuple(
                (
                    thread.is_overflow,
                    thread.has_ended,
                    thread.steps is not None and thread.steps.gi_frame.f_lasti,
                    thread.task is not None,
                    tuple(leases.get(lease) for lease in thread.inbox),
                    thread.left_by is not None and leases[thread.left_by.executor.lease],
                    thread.transaction is not None,
                )
                for thread in self.threads
            ),
            tuple(leases[lease] for lease in self.pool.queue),
            tuple(leases[lease] for lease in self.pool.leases),
            tuple(
                threads[thread] for thread in (*self.pool.free, None, *self.pool.spare) if thread
            ),
        )


class NoLoop:
    """An event loop whose timers are events of the model."""

    def call_later(self, *_):
        return None


def _lease(request, threads):
    lease = request.executor.lease
    return (
        lease.state,
        lease.pool_thread and threads[lease.pool_thread],
        lease.has_opened,
        lease.has_leftovers,
        lease.has_unawaited_call,
        lease.has_transaction,
        lease.running_call is not None,
        len(lease.queued_calls),
    )


@pytest.fixture
def model(monkeypatch):
    """Return what makes a world after some events, with calls that say what they leave."""
    worlds = []

    def leaves_nothing(function):
        return function.args == (READ,)

    monkeypatch.setattr(leftovers, "leaves_nothing", leaves_nothing)

    def has_open_transaction():
        return worlds[-1].thread.transaction is not None

    monkeypatch.setattr(leftovers, "has_open_transaction", has_open_transaction)
    monkeypatch.setattr(leftovers, "unfinished_generators", lambda _: [])
    monkeypatch.setattr(thread_pool, "drop_open_transactions", lambda: worlds[-1].clean())  # noqa: PLW0108
    monkeypatch.setattr(thread_pool, "_run_safely", lambda task: task())
    monkeypatch.setattr(thread_pool, "RESUME_S", -1)
    monkeypatch.setattr(thread_pool, "RESUME_TICKS", 0)
    monkeypatch.setattr(wait_queue, "MAX_WAIT_S", 1e9)

    monkeypatch.setattr(thread_pool, "PoolThread", lambda _: SteppedThread(worlds[-1]))

    def replay(bound, scripts, events, failing_start=None):
        worlds[:] = [World(bound, scripts, failing_start)]
        for event in events:
            worlds[-1].happen(event)
        return worlds[-1]

    return replay


def visit_all(model, bound, scripts, failing_start=None):
    """Visit each state that can be reached, and return those in which nothing more can happen."""
    seen, ends, paths = set(), [], [()]
    while paths:
        path = paths.pop()
        world = model(bound, scripts, path, failing_start)
        while (state := world.state()) not in seen:
            seen.add(state)
            events = world.events()
            if not events:
                ends.append(world)
                break
            paths.extend((*path, event) for event in events[1:])
            path = (*path, events[0])
            world.happen(events[0])
    return len(seen), ends


@pytest.mark.parametrize(
    ("bound", "max_overflow", "scripts"),
    [
        (1, 0, (READS_THEN_WRITES, SYNC)),
        (1, 1, (READS_THEN_WRITES, SYNC)),
        (1, 1, (READS_THEN_WRITES, READS)),
        (1, 0, (WRITES, READS, SYNC)),
        (2, 1, (READS, WRITES)),
        (1, 0, (COMMITS_LATE, SYNC)),
        (1, 1, (COMMITS_LATE, COMMITS_LATE)),
        (1, 1, (COMMITS_LATE, READS)),
        (1, 0, (LEAVES_OPEN, SYNC)),
        (1, 0, (FINISHES, SYNC)),
    ],
)
def test_what_a_request_left_holds_its_thread_in_every_order(
    model, monkeypatch, bound, max_overflow, scripts
):
    """No other request finds it, the request itself always does, and all of them end."""
    monkeypatch.setattr(thread_pool, "MAX_OVERFLOW", max_overflow)

    visited, ends = visit_all(model, bound, scripts)

    assert visited > 100
    assert_all_ended(ends, bound, scripts)


@pytest.mark.parametrize("failing_start", [1, 2])
@pytest.mark.parametrize(
    ("bound", "scripts"), [(1, (READS_THEN_WRITES, SYNC)), (2, (WRITES, READS))]
)
def test_a_thread_that_fails_to_start_loses_no_request_in_any_order(
    model, monkeypatch, bound, scripts, failing_start
):
    """The pool keeps its size, and starts the thread later."""
    monkeypatch.setattr(thread_pool, "MAX_OVERFLOW", 1)

    _, ends = visit_all(model, bound, scripts, failing_start)

    assert max(world.starts for world in ends) >= failing_start
    assert_all_ended(ends, bound, scripts)


def assert_all_ended(ends, bound, scripts):
    """Assert that each request took all its steps, and that the pool has all its threads."""
    assert ends
    for world in ends:
        assert [request.at for request in world.requests] == [len(each) for each in scripts]
        assert {r.executor.lease.state for r in world.requests} == {LeaseState.DETACHED}
        assert len(world.pool.free) == world.pool.size <= bound
        assert not [*world.pool.queue, *world.pool.leases]
        assert world.pool.overflow == 0


def test_each_transition_of_the_table_can_happen(model, monkeypatch):
    """The table has no state and no transition that the pool never makes."""
    monkeypatch.setattr(thread_pool, "MAX_OVERFLOW", 1)
    made = set()
    change_state = thread_pool.ThreadLease.change_state

    def noted(lease, state):
        made.add((lease.state, state))
        change_state(lease, state)

    monkeypatch.setattr(thread_pool.ThreadLease, "change_state", noted)
    visit_all(model, 1, (READS_THEN_WRITES, READS))
    world = model(1, (SYNC, SYNC), [0, 1])
    world.requests[1].executor.lease.queued_calls[0].future.cancel()
    world.requests[1].executor.release()

    assert made == {(before, after) for before, all_ in TRANSITIONS.items() for after in all_}

"""
A thread lent to one request: what it runs, and the states that it goes through.

    DETACHED ──> QUEUED ──> RUNNING <──> RESUMING ──> WAITING
        ^                      │            │            │
        └──── RELEASING <──────┴────────────┴────────────┘
"""

import asyncio
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextvars import Context
from enum import Enum, auto
from queue import SimpleQueue
from typing import Any

from django.db import connections

from django_tandem.handler.cpu_time import CpuTime
from django_tandem.handler.leftovers import Leftovers, is_unfinished

Task = Callable[[], Any]


class PoolExhausted(Exception):  # noqa: N818 - as asyncio.QueueFull is named
    """No thread is free, and the wait queue is full or the wait was too long."""


class LeaseState(Enum):
    """The state of a lease's thread."""

    # It has none, and nothing to run.
    DETACHED = auto()
    # It has none yet.
    QUEUED = auto()
    # It runs a call, or is about to.
    RUNNING = auto()
    # It is done, and the request has not continued yet.
    RESUMING = auto()
    # It is done, and the request awaits something else.
    WAITING = auto()
    # It cleans up, and returns to the pool.
    RELEASING = auto()


TRANSITIONS = {
    LeaseState.DETACHED: {LeaseState.QUEUED, LeaseState.RUNNING},
    LeaseState.QUEUED: {LeaseState.RUNNING, LeaseState.DETACHED},
    LeaseState.RUNNING: {LeaseState.RESUMING, LeaseState.RELEASING},
    LeaseState.RESUMING: {LeaseState.RUNNING, LeaseState.WAITING, LeaseState.RELEASING},
    LeaseState.WAITING: {LeaseState.RUNNING, LeaseState.RELEASING},
    LeaseState.RELEASING: {LeaseState.DETACHED},
}
IDLE = frozenset({LeaseState.RESUMING, LeaseState.WAITING})


class Call:
    """One call that waits for a thread, or runs on one."""

    __slots__ = ("active", "cpu", "function", "future", "is_final", "is_late", "is_own")

    def __init__(
        self,
        function: Callable[[], Any],
        *,
        is_own: bool = False,
        is_final: bool = False,
        cpu: CpuTime | None = None,
    ) -> None:
        self.function = function
        # Its CPU time is added there, before its result is known.
        self.cpu = cpu
        # Whether the handler itself has submitted it.
        self.is_own = is_own
        # Whether the handler ends the request with it: it can't wait for a thread.
        self.is_final = is_final
        self.future: Future[Any] = Future()
        # 1 while the thread runs it, 0 while the thread waits for the event loop in it.
        self.active = 1
        # Whether it was submitted after the end of the request.
        self.is_late = False

    @property
    def is_of_task(self) -> bool:
        """Whether a task that outlives the request has submitted it."""
        return self.is_late and not self.is_own

    def run(self) -> None:
        """Run the function, unless it was cancelled while it waited."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.cpu.call_measured(self.function) if self.cpu else self.function()
        except BaseException as error:  # noqa: BLE001 - the future's reader gets it
            self.future.set_exception(error)
            # The error's traceback holds this frame, and it the error.
            del self
        else:
            self.future.set_result(result)

    def reject(self) -> None:
        """Raise PoolExhausted where the call is awaited."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(PoolExhausted("No thread became free in time."))


class PoolThread:
    """A thread, and the leases that it is to serve next."""

    def __init__(self, serve: "Callable[[PoolThread, ThreadLease], Iterator[Task]]") -> None:
        # Yields what the thread runs for a lease.
        self.serve = serve
        self.is_overflow = False
        self.inbox: SimpleQueue[ThreadLease | None] = SimpleQueue()
        # A daemon: a server that has answered everything exits, although a thread still runs.
        self.thread = threading.Thread(target=self.run, name="django-tandem", daemon=True)

    def start(self) -> None:
        """Start the thread; raises RuntimeError if the system has no more threads or memory."""
        # Python 3.14 may give a thread the context of the request that starts it.
        Context().run(self.thread.start)

    def wake(self, lease: "ThreadLease | None") -> None:
        """Have the thread serve the lease; None ends it."""
        self.inbox.put(lease)

    def run(self) -> None:
        """Serve leases, one after another."""
        while (lease := self.inbox.get()) is not None:
            self._run_all(lease)
            # While the thread waits for the next one, it must not keep the last response.
            del lease
        connections.close_all()

    def _run_all(self, lease: "ThreadLease") -> None:
        for step in self.serve(self, lease):
            step()


class ThreadLease:
    """
    What one request, or one consumer, has to run, and the thread that runs it.

    A lease that ``keeps_thread`` has it to the end of the request. Any other, and that of a
    request that is over, returns it as soon as nothing is left to run, unless a transaction or an
    iteration is open. ``on_acquire`` and ``on_release`` run on the thread when it is acquired and
    before it returns. The lock of the pool guards all attributes.
    """

    __slots__ = (
        "__weakref__",
        "generators",
        "has_leftovers",
        "has_opened",
        "has_run_request",
        "has_transaction",
        "has_unawaited_call",
        "is_request_over",
        "is_streaming",
        "keeps_thread",
        "loop",
        "on_acquire",
        "on_release",
        "owner",
        "pool_thread",
        "queued_at",
        "queued_calls",
        "resuming_at",
        "resuming_ticks",
        "running_call",
        "state",
        "was_rejected",
    )

    def __init__(
        self,
        owner: object,
        *,
        keeps_thread: bool,
        on_acquire: Sequence[Task],
        on_release: Sequence[Task],
    ) -> None:
        # What submits the calls. The contexts of the request's tasks refer to it: without them,
        # nobody is left to end a transaction.
        self.owner = weakref.ref(owner)
        self.keeps_thread = keeps_thread
        self.on_acquire = on_acquire
        self.on_release = on_release
        self.is_request_over = False
        self.state = LeaseState.DETACHED
        self.pool_thread: PoolThread | None = None
        # Whether ``on_acquire`` has run on the present thread.
        self.has_opened = False
        # Whether the request itself, not only a task that outlives it, has run on that thread.
        self.has_run_request = False
        self.loop: asyncio.AbstractEventLoop | None = None
        # No deque: most leases are of idle consumers, and that has room for 64.
        self.queued_calls: list[Call] = []
        self.running_call: Call | None = None
        # Whether a call has left something on the thread that a later one may need.
        self.has_leftovers = False
        # Weak references to generators, with their cursors, that were begun on the thread.
        self.generators: list[Any] = []
        # Whether the last call has left a transaction open.
        self.has_transaction = False
        self.is_streaming = False
        # Whether the request has submitted a call, and not suspended to await it yet.
        self.has_unawaited_call = False
        self.was_rejected = False
        self.queued_at = self.resuming_at = 0.0
        # How often the timer has seen the request resume since then.
        self.resuming_ticks = 0

    def change_state(self, state: LeaseState) -> None:
        """Go to another state; raises RuntimeError for one that can't follow."""
        if state not in TRANSITIONS[self.state]:
            raise RuntimeError(f"A lease can't go from {self.state.name} to {state.name}.")
        self.state = state
        if state is LeaseState.RESUMING:
            self.resuming_at = time.monotonic()
            self.resuming_ticks = 0

    def next_call(self) -> Call | None:
        """
        Return the next call that is to run on the present thread.

        What the request has left there ends with it: a task that outlives it never finds that.
        """
        if not self.queued_calls or (self.queued_calls[0].is_of_task and self.has_run_request):
            return None
        self.running_call = self.queued_calls.pop(0)
        self.has_run_request |= not self.running_call.is_late
        return self.running_call

    def end_call(self, call: Call, left: Leftovers) -> None:
        """Note that the thread has run the call, and what it has left there."""
        self.running_call = None
        self.has_leftovers |= left.must_keep
        # Transactions that the request itself has left end with it.
        if call.is_of_task or not self.is_request_over:
            self.has_transaction = left.has_transaction
            self.generators.extend(left.generators)
        if self.state is not LeaseState.RUNNING:
            self.change_state(LeaseState.RUNNING)

    def detach(self) -> None:
        """Give the thread up."""
        self.change_state(LeaseState.DETACHED)
        self.pool_thread, self.has_opened, self.has_run_request = None, False, False
        self.has_leftovers = self.has_transaction = False
        self.generators.clear()

    def wake(self) -> None:
        """Have the thread serve the lease."""
        if self.pool_thread is not None:
            self.pool_thread.wake(self)

    @property
    def is_idle(self) -> bool:
        """Whether the thread is kept and runs nothing."""
        return self.state in IDLE and self.running_call is None

    @property
    def is_reclaimable(self) -> bool:
        """Whether the thread may be taken away: nothing was left on it."""
        is_kept = self.has_leftovers and not self.is_request_over
        return self.is_idle and not (is_kept or self.queued_calls or self.is_in_use)

    def should_keep(self, *, is_wanted: bool) -> bool:
        """Return whether the thread stays, with nothing to run, although it ``is_wanted``."""
        keeps = self.keeps_thread and not self.is_request_over
        return self.is_in_use or (keeps and (self.has_leftovers or not is_wanted))

    @property
    def may_overflow(self) -> bool:
        """Whether the thread may leave the bound: the request waits, or runs until it is left."""
        is_running = self.state is LeaseState.RUNNING
        return self.state is LeaseState.WAITING or (self.is_streaming and is_running)

    @property
    def is_in_use(self) -> bool:
        """Whether a cursor or a transaction is open on the thread, and may still be used."""
        is_owned = self.has_transaction and self.owner() is not None
        return is_owned or self.is_iterating

    @property
    def is_iterating(self) -> bool:
        """Whether a generator was begun on the thread and not finished."""
        return any(
            is_unfinished(generator)
            for reference in self.generators
            if (generator := reference()) is not None
        )

    @property
    def is_busy(self) -> bool:
        """Whether a call runs or waits, such as one of a view that was cancelled."""
        return (self.running_call is not None and not self.running_call.future.done()) or any(
            not call.future.cancelled() for call in self.queued_calls
        )

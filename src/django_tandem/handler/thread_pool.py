"""
The threads of this process that run sync code: bounded, kept with their database connections.

A request takes a lease, and the lease holds one thread from the first sync call to the end of the
request, since code leaves transactions, cursors and thread-locals there. A lease that waits for
something else while others need a thread either returns its thread, if nothing was left on it, or
moves it out of the bound: an overflow thread, of which there is a limited number, too.
"""

import asyncio
import functools
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from django_tandem.handler import wait_queue
from django_tandem.handler.leftovers import drop_open_transactions, find_leftovers
from django_tandem.handler.thread_lease import (
    Call,
    LeaseState,
    PoolExhausted,
    PoolThread,
    Task,
    ThreadLease,
)
from django_tandem.handler.wait_queue import WaitQueue

# Threads beyond the bound, held by requests that await something while others need a thread. Each
# may hold a database connection, and PostgreSQL allows a hundred by default.
MAX_OVERFLOW = 100

# How often the queue is checked while it is not empty.
TICK_S = 0.05
# A request that was not seen to suspend within this time waits in a task that it has made. The
# timer must have run as well: while an event loop is blocked, no request can suspend.
RESUME_S = 0.1
RESUME_TICKS = 2
START_LOG_EVERY_S = 10.0
# How long the interpreter's exit waits for the threads to close their connections.
EXIT_S = 1.0

logger = logging.getLogger("django_tandem.asgi")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolCounts:
    """Threads within the bound and those of them that are free, queued requests, and so on."""

    size: int
    idle: int
    queued: int
    overflow: int
    rejected: int


class ThreadPool:
    """
    Owns the threads, the leases and the wait queue; one lock guards all of it.

    Methods with an underscore are called with the lock held.
    """

    def __init__(self, bound: int, *, rejects: bool = True) -> None:
        self.bound = bound
        # Whether a lease that waits for too long gets PoolExhausted.
        self.rejects = rejects
        self.tick_s = min(TICK_S, wait_queue.MAX_WAIT_S)
        self.reset()

    def reset(self) -> None:
        """Start empty: a forked process has its main thread only."""
        # Reentrant: a garbage collection under the lock may close a request that was abandoned.
        self.lock = threading.RLock()
        self.threads: set[PoolThread] = set()
        self.free: list[PoolThread] = []
        # Overflow threads without a lease, kept for the next overflow while requests wait.
        self.spare: list[PoolThread] = []
        self.overflow = 0
        # Those whose thread is within the bound, in the order in which they acquired it.
        self.leases: dict[ThreadLease, None] = {}
        # Those whose request is over, while a task of it has a cursor or a transaction open.
        self.lingering: set[ThreadLease] = set()
        self.queue = WaitQueue(rejects=self.rejects)
        self.ticking: set[asyncio.AbstractEventLoop] = set()
        self.start_logged_at = -START_LOG_EVERY_S
        # Why a thread did not start, until the timer runs: until then no other start is tried.
        self.start_error: str | None = None

    @property
    def size(self) -> int:
        """How many threads are within the bound."""
        return len(self.threads) - self.overflow

    def counts(self) -> PoolCounts:
        """Return what the pool has, and how many requests it has rejected."""
        with self.lock:
            return PoolCounts(
                size=self.size,
                idle=len(self.free),
                queued=len(self.queue),
                overflow=self.overflow,
                rejected=self.queue.rejected,
            )

    # Called on the event loop, by the requests.

    def submit(self, lease: ThreadLease, call: Call) -> None:
        """Have the thread of the lease run the call; it acquires one if it has none."""
        with self.lock:
            if call.is_final and not self.can_run(lease):
                # The timer allows a further start where one has failed.
                self._start_ticking(_running_loop())
                raise PoolExhausted("No thread is free.")
            call.is_late = lease.is_request_over
            lease.queued_calls.append(call)
            lease.has_unawaited_call = True
            lease.loop = _running_loop()
            if lease.state is LeaseState.DETACHED:
                self._acquire(lease)
            elif lease.is_idle:
                lease.change_state(LeaseState.RUNNING)
                lease.wake()

    def release(self, lease: ThreadLease) -> None:
        """End the lease: its request is over."""
        with self.lock:
            if not lease.is_request_over:
                lease.is_request_over = True
                # From now on only what tasks begin that outlive the request counts.
                lease.generators.clear()
                lease.has_transaction = False
                if lease.is_idle:
                    self._release(lease)
            if lease.state is LeaseState.QUEUED and not lease.is_busy:
                self.queue.remove(lease)
                self._shrink()

    def note_suspended(self, lease: ThreadLease) -> None:
        """Note that the request of the lease has continued, and awaits something else now."""
        with self.lock:
            # The thread may be done with a call before the request suspends to await it.
            awaits_call, lease.has_unawaited_call = lease.has_unawaited_call, False
            if lease.state is LeaseState.RESUMING and not awaits_call:
                lease.change_state(LeaseState.WAITING)
                self._free_threads_for_queue()

    def note_streaming(self, lease: ThreadLease) -> None:
        """Note that the lease runs for as long as its client listens."""
        with self.lock:
            lease.is_streaming = True
            self._free_threads_for_queue()

    def adjust(self, lease: ThreadLease, call: Call, change: int) -> None:
        """Note that the thread of the lease waits for the event loop in the call, or no more."""
        with self.lock:
            if lease.running_call is not call:
                return
            call.active += change
            lease.has_unawaited_call |= change > 0
            is_running = lease.state is LeaseState.RUNNING
            if call.active > 0 and not is_running:
                lease.change_state(LeaseState.RUNNING)
            elif call.active <= 0 and is_running:
                lease.change_state(LeaseState.RESUMING)

    def can_run(self, lease: ThreadLease) -> bool:
        """Return whether the lease has a thread for a further call, or gets one at once."""
        with self.lock:
            if lease.state is LeaseState.DETACHED:
                return self._can_lend()
            return lease.state not in (LeaseState.QUEUED, LeaseState.RELEASING)

    def reject_if_full(self, lease: ThreadLease) -> None:
        """Raise PoolExhausted if the lease would have to wait and the queue is full."""
        with self.lock:
            is_rejected = lease.state is LeaseState.DETACHED and self.queue.reject_if_full()
        if is_rejected:
            # Without the lock: a handler of the log may block.
            self.queue.log_rejected(self.bound)
            raise PoolExhausted("Too many requests wait for a thread.")

    # Called on the threads.

    def serve(self, thread: PoolThread, lease: ThreadLease) -> Iterator[Task]:
        """
        Yield what the thread runs for the lease, without the lock.

        Between two of these the state changes, at once and under the lock: so a test can run any
        other change in between.
        """
        with self.lock:
            tasks, lease.has_opened = () if lease.has_opened else lease.on_acquire, True
        for task in tasks:
            yield functools.partial(_run_safely, task)
        while isinstance(step := self._next_step(lease), Call):
            yield step.run
            self._end_call(lease, step)
        del tasks
        if step is not LeaseState.RELEASING:
            return
        for task in (drop_open_transactions, *lease.on_release):
            yield functools.partial(_run_safely, task)
        self._take_back(thread, lease)

    def _next_step(self, lease: ThreadLease) -> Call | LeaseState:
        with self.lock:
            # A lease that releases its thread runs nothing more there: what is submitted
            # from then on may leave something behind, and waits for another thread.
            if lease.state is LeaseState.RUNNING:
                if call := lease.next_call():
                    return call
                kept = not lease.queued_calls and lease.should_keep(is_wanted=bool(self.queue))
                if kept and lease.is_request_over:
                    self.lingering.add(lease)
                    self._start_ticking(lease.loop)
                lease.change_state(LeaseState.RESUMING if kept else LeaseState.RELEASING)
            return lease.state

    def _end_call(self, lease: ThreadLease, call: Call) -> None:
        # A request keeps its thread anyway, to its end.
        may_return = call.is_of_task or not lease.keeps_thread
        left = find_leftovers(call.function, may_transact=may_return)
        with self.lock:
            lease.end_call(call, left)

    def _take_back(self, thread: PoolThread, lease: ThreadLease) -> None:
        with self.lock:
            lease.detach()
            self.leases.pop(lease, None)
            self.lingering.discard(lease)
            if thread.is_overflow and self.size < self.bound:
                thread.is_overflow = False
                self.overflow -= 1
            (self.spare if thread.is_overflow else self.free).append(thread)
            if lease.queued_calls:
                # Behind the others: a consumer that always has more must not keep them waiting.
                self._enqueue(lease)
            self._lend_free()
            self._free_threads_for_queue()
            self._shrink()

    # The state, with the lock held.

    def _can_lend(self) -> bool:
        """Return whether a thread is free, after starting one if the bound allows it."""
        if not self.free and self.size < self.bound and (thread := self._start()):
            self.free.append(thread)
        return bool(self.free)

    def _acquire(self, lease: ThreadLease) -> None:
        if self._can_lend():
            # The last one that came back: its connection is the least likely to have timed out.
            self._lend(self.free.pop(), lease)
        else:
            self._enqueue(lease)
            self._free_threads_for_queue()

    def _start(self) -> PoolThread | None:
        """Start a thread, and return None if that fails; the timer tries again."""
        if self.start_error is not None:
            return None
        thread = PoolThread(self.serve)
        try:
            thread.start()
        except RuntimeError as error:
            # Not the error itself: its traceback would keep a request alive.
            self.start_error = str(error)
            return None
        self.threads.add(thread)
        return thread

    def _lend(self, thread: PoolThread, lease: ThreadLease) -> None:
        lease.change_state(LeaseState.RUNNING)
        lease.pool_thread = thread
        self.leases[lease] = None
        thread.wake(lease)

    def _lend_free(self) -> None:
        """Lend threads to the queue, and start those that failed to start before."""
        while self.queue and self._can_lend():
            self._lend(self.free.pop(), self.queue.popleft())

    def _enqueue(self, lease: ThreadLease) -> None:
        self.queue.append(lease)
        self._start_ticking(lease.loop)

    def _release(self, lease: ThreadLease) -> None:
        lease.change_state(LeaseState.RELEASING)
        lease.wake()

    def _free_threads_for_queue(self) -> None:
        """Free a thread for each lease in the wait queue, while others can spare theirs."""
        coming = sum(lease.state is LeaseState.RELEASING for lease in self.leases)
        for lease in list(self.leases):
            if len(self.queue) <= coming:
                return
            if lease.is_reclaimable:
                self._release(lease)
                coming += 1
            elif lease.may_overflow:
                self._overflow(lease)

    def _overflow(self, lease: ThreadLease) -> None:
        """Move the thread of the lease out of the bound, and another into it."""
        if lease.pool_thread is None or not (self.spare or self.overflow < MAX_OVERFLOW):
            return
        is_spare = bool(self.spare)
        thread = self.spare.pop() if is_spare else self._start()
        if thread is None:
            return
        del self.leases[lease]
        lease.pool_thread.is_overflow = True
        self.overflow += 1
        if is_spare:
            thread.is_overflow = False
            self.overflow -= 1
        self._lend(thread, self.queue.popleft())

    def _shrink(self) -> None:
        while self.spare and not self.queue:
            thread = self.spare.pop()
            self.threads.discard(thread)
            self.overflow -= 1
            thread.wake(None)

    # The timer, on each event loop where a request waits.

    def _start_ticking(self, loop: asyncio.AbstractEventLoop | None) -> None:
        if loop is None or loop in self.ticking:
            return
        self.ticking = {loop, *(each for each in self.ticking if not each.is_closed())}
        # On a loop that was closed nothing waits for an answer.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(loop.call_later, self.tick_s, self.tick, loop)

    def tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Find requests that wait in tasks which they made, and reject what has waited too long."""
        now = time.monotonic()
        with self.lock:
            start_error = self._take_start_error(now)
            for lease in self.leases:
                if lease.state is LeaseState.RESUMING:
                    lease.resuming_ticks += 1
                    is_due = lease.resuming_at <= now - RESUME_S
                    if is_due and lease.resuming_ticks > RESUME_TICKS:
                        lease.change_state(LeaseState.WAITING)
            for lease in self.lingering:
                if lease.is_reclaimable:
                    self._release(lease)
            self._lend_free()
            self._free_threads_for_queue()
            rejected = self.queue.expire(now)
            self._shrink()
            if self.queue or self.lingering:
                loop.call_later(self.tick_s, self.tick, loop)
            else:
                self.ticking.discard(loop)
        for call in rejected:
            call.reject()
        if rejected:
            self.queue.log_rejected(self.bound)
        if start_error is not None:
            logger.error("A thread failed to start, and requests wait for it: %s.", start_error)

    def _take_start_error(self, now: float) -> str | None:
        """Allow a further start, and return why the last one failed if that is to be logged."""
        error, self.start_error = self.start_error, None
        if error is None or now < self.start_logged_at + START_LOG_EVERY_S:
            return None
        self.start_logged_at = now
        return error

    def close(self) -> None:
        """End the threads, and wait for them as long as a server's exit may take."""
        deadline = time.monotonic() + EXIT_S
        with self.lock:
            alive = [each for each in self.threads if each.thread.is_alive()]
        for each in alive:
            each.wake(None)
        for each in alive:
            each.thread.join(max(0, deadline - time.monotonic()))


def _run_safely(task: Task) -> None:
    # One that fails must not keep out the others.
    try:
        task()
    except Exception:
        logger.exception("%r failed between two requests.", task)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None

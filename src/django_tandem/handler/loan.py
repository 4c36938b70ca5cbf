"""A thread lent to one request: an executor that asgiref runs the request's sync code on."""

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

from django_tandem.handler.internals import is_unfinished, leaves_nothing, unfinished
from django_tandem.handler.job import Job
from django_tandem.handler.leftovers import drop_open_transactions

if TYPE_CHECKING:
    from django_tandem.handler.pool import Pool
    from django_tandem.handler.worker import Worker

logger = logging.getLogger("django_tandem.asgi")

Task = Callable[[], Any]


class Loan(Executor):
    """
    Runs what it is given in order, on one thread that it borrows for the first of it.

    A loan that ``holds`` keeps the thread from then on, until it ends: a request's. Any other
    gives it back as soon as nothing is left to run. ``opening`` and ``closing`` run on
    the thread when it comes and before it goes. The pool's lock guards all that is here.
    """

    def __init__(
        self, pool: "Pool", *, holds: bool, opening: Sequence[Task], closing: Sequence[Task]
    ) -> None:
        self.pool = pool
        self.holds = holds
        self.opening = opening
        self.closing = closing
        self.jobs: deque[Job] = deque()
        self.current: Job | None = None
        self.thread: Worker | None = None
        self.is_running = False
        self.is_recalled = False
        # Whether what ran so far left nothing on its thread that another call could need.
        self.is_movable = True
        self.waits_since: float | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        # How often its loop went round while it needed no thread, and others did.
        self.rounds = 0
        # How many calls on the thread wait for the event loop, and how many came from there since.
        self.parked = 0
        self.nested = 0
        self.was_refused = False
        self.generator: Any = None

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have the thread run the call, after what came before."""
        call = functools.partial(function, *args, **kwargs) if args or kwargs else function
        job = Job(call)
        with self.pool.lock:
            self.jobs.append(job)
            self.rounds = 0
            if self.is_movable:
                self.is_movable = leaves_nothing(call)
            if self.is_running or self.waits_since is not None:
                return job.future
            if self.thread is None:
                self.pool.seek(self)
            else:
                self.is_running = True
            if self.thread is not None:
                self.summon()
        return job.future

    def end(self) -> None:
        """Give the thread back, now or once it is done."""
        with self.pool.lock:
            self.generator = None
            self.holds = False
            if self.waits_since is not None and all(job.future.cancelled() for job in self.jobs):
                self.leave_line()
            if self.is_idle:
                self.is_running = True
                self.summon()

    def summon(self) -> None:
        """Wake the thread, to run or to go back; with the lock held."""
        if self.thread is not None:
            self.thread.take(self)

    def count(self, *, parked: int = 0, nested: int = 0) -> None:
        """Note that a call on the thread begins or ends to wait, or one that came meanwhile."""
        with self.pool.lock:
            self.parked += parked
            self.nested += nested
            self.rounds = 0
            self.pool.relief.watch(self)

    def leave_line(self) -> list[Job]:
        """Wait no longer, and return what has waited; with the lock held."""
        self.pool.waiting.remove(self)
        left, self.jobs, self.waits_since = list(self.jobs), deque(), None
        self.was_refused = True
        self.pool.thin_out()
        return left

    def part(self) -> None:
        """Let go of the thread; with the lock held."""
        self.thread, self.is_running, self.is_recalled = None, False, False
        self.is_movable = True

    def run(self) -> bool:
        """Run what there is, on the thread; return whether the thread is free again."""
        while True:
            with self.pool.lock:
                job = self.current = self.jobs.popleft() if self.jobs else None
                if job is None and self.stays():
                    self.is_running = False
                    self.pool.relief.watch(self)
                    return False
            if job is None:
                self.perform((drop_open_transactions, *self.closing))
                return True
            job.run()
            self.generator = unfinished(job.call)
            del job

    def stays(self) -> bool:
        """Return whether the thread remains lent, although there is nothing to run now."""
        generator = self.generator and self.generator()
        if generator is not None and is_unfinished(generator):
            return True
        if not self.holds or self.is_recalled:
            return False
        return not (self.is_movable and self.pool.waiting)

    def perform(self, tasks: Sequence[Task]) -> None:
        """Run what belongs to the coming or going of the thread; none may keep out the rest."""
        for task in tasks:
            try:
                task()
            except Exception:
                logger.exception("%r failed between two requests.", task)

    @property
    def would_wait(self) -> bool:
        """Whether what is submitted now would not run at once."""
        return self.is_busy or (self.thread is None and not self.pool.has_free)

    @property
    def is_turned_away(self) -> bool:
        """Whether it would have to wait in a line that is full."""
        return self.thread is None and self.waits_since is None and self.pool.is_full

    @property
    def is_busy(self) -> bool:
        """Whether something is to run yet, or runs, such as a view that was given up."""
        current = self.current
        return (current is not None and not current.future.done()) or any(
            not job.future.cancelled() for job in list(self.jobs)
        )

    @property
    def is_idle(self) -> bool:
        """Whether it keeps a thread that has nothing to run."""
        return self.thread is not None and not self.is_running

    @property
    def awaits(self) -> bool:
        """Whether it keeps a thread that can only go on once the event loop has."""
        return self.is_idle or self.parked > self.nested

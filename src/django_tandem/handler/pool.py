"""The threads of this process that run sync code: a bounded number, kept with what they opened."""

import asyncio
import atexit
import functools
import os
import threading
import time
from collections import deque

from django_tandem.handler.limits import WAITING_REQUESTS, threads
from django_tandem.handler.loan import Loan
from django_tandem.handler.relief import Relief
from django_tandem.handler.worker import Worker

# How long the interpreter's exit waits for the threads to close their connections.
GOODBYE_S = 1.0


class Pool:
    """Lends threads, makes new ones up to the bound, and lets the rest wait in line."""

    def __init__(self, bound: int, *, refuses: bool = True) -> None:
        self.bound = bound
        # Whether who waits is told in the end that there is no thread.
        self.refuses = refuses
        self.forget()

    def forget(self) -> None:
        """Begin anew: threads do not come along into a forked process."""
        self.lock = threading.Lock()
        self.counted = 0
        self.workers: set[Worker] = set()
        self.free: list[Worker] = []
        # Those that left with a request that is over, as long as others may need to leave.
        self.spare: list[Worker] = []
        # Those with a thread that counts, in the order in which they got it.
        self.lent: dict[Loan, None] = {}
        self.waiting: deque[Loan] = deque()
        self.relief = Relief(self)

    @property
    def has_free(self) -> bool:
        """Whether a thread is free, or would be made."""
        return bool(self.free) or self.counted < self.bound

    @property
    def is_full(self) -> bool:
        """Whether so many wait that no more should."""
        return self.refuses and len(self.waiting) >= WAITING_REQUESTS

    def seek(self, loan: Loan) -> None:
        """Give the loan a thread, or let it wait for one; with the lock held."""
        loan.loop = _running_loop()
        if self.free:
            # The last that came back: its connection is the least likely to have been dropped.
            self.lend(self.free.pop(), loan)
        elif self.has_free:
            self.lend(self.new(), loan)
        else:
            self.let_wait(loan)
            self.recall()

    def new(self) -> Worker:
        """Make a thread, which starts with its first loan; with the lock held."""
        self.counted += 1
        worker = Worker(self)
        self.workers.add(worker)
        return worker

    def let_wait(self, loan: Loan) -> None:
        """Put the loan at the end of the line; with the lock held."""
        loan.waits_since = time.monotonic()
        self.waiting.append(loan)
        self.relief.begin(loan.loop)

    def lend(self, worker: Worker, loan: Loan) -> None:
        """Lend the thread; with the lock held."""
        loan.thread, loan.is_running, loan.waits_since = worker, True, None
        loan.rounds = 0
        self.lent[loan] = None

    def give_back(self, worker: Worker, loan: Loan) -> Loan | None:
        """Take the thread back from the loan, and return which one it is lent to next."""
        with self.lock:
            self.lent.pop(loan, None)
            loan.part()
            if not worker.is_counted and self.counted < self.bound:
                self.counted += 1
                worker.is_counted = True
            if loan.jobs:
                # Behind the others: a consumer that always has more must not keep them waiting.
                self.let_wait(loan)
            if not worker.is_counted:
                self.spare.append(worker)
                # It came from outside the line, so a thread may be free.
                if self.waiting and self.free:
                    self.lend_to_first(self.free.pop()).summon()
                self.thin_out()
                return None
            if self.waiting:
                return self.lend_to_first(worker)
            self.free.append(worker)
            return None

    def lend_to_first(self, worker: Worker) -> Loan:
        """Lend the thread to who has waited for the longest; with the lock held."""
        first = self.waiting.popleft()
        self.lend(worker, first)
        self.thin_out()
        return first

    def replace(self, loan: Loan, worker: Worker) -> None:
        """Count the thread of ``loan`` no more, and another for who waits; with the lock held."""
        del self.lent[loan]
        worker.is_counted = False
        self.counted -= 1
        other = self.spare.pop() if self.spare else None
        if other is not None:
            other.is_counted = True
            self.counted += 1
        self.lend_to_first(other or self.new()).summon()

    def thin_out(self) -> None:
        """End the spare threads once nobody waits; with the lock held."""
        while self.spare and not self.waiting:
            worker = self.spare.pop()
            self.workers.discard(worker)
            worker.take(None)

    def recall(self) -> None:
        """Have an idle thread back that its request does not need again; with the lock held."""
        for loan in self.lent:
            if loan.is_idle and loan.is_movable:
                loan.is_recalled = loan.is_running = True
                loan.summon()
                return

    def close(self) -> None:
        """End the threads, and wait for them as long as a server's exit may take."""
        until = time.monotonic() + GOODBYE_S
        workers = [worker for worker in self.workers if worker.thread.is_alive()]
        for worker in workers:
            worker.take(None)
        for worker in workers:
            worker.thread.join(max(0, until - time.monotonic()))


@functools.cache
def pool() -> Pool:
    """Return the pool of this process, whose bound is read when it is first asked for."""
    return _made(Pool(threads()))


@functools.cache
def pool_of_consumers() -> Pool:
    """Return as large a pool for consumers, which slow requests must not keep waiting."""
    return _made(Pool(threads(), refuses=False))


def _made(made: Pool) -> Pool:
    os.register_at_fork(after_in_child=made.forget)
    atexit.register(made.close)
    return made


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None

"""Looks after those that wait for a thread: none waits for ever, nor for one that only idles."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from django_tandem.handler.limits import LONGEST_WAIT_S, ROUNDS

if TYPE_CHECKING:
    from django_tandem.handler.loan import Loan
    from django_tandem.handler.pool import Pool

TOLD_EVERY_S = 10.0

logger = logging.getLogger("django_tandem.asgi")


class Relief:
    """
    Looks at the line of a pool, as long as there is one; the pool's lock guards what is here.

    A request that awaits something needs its very thread again, for what its code has left there.
    As soon as somebody waits, that thread leaves the pool with it, and another takes its place.
    Whether it awaits, or is just about to go on, is known once its loop has gone round a few times.
    """

    def __init__(self, pool: "Pool") -> None:
        self.pool = pool
        # The loops on which somebody waits, and those whose rounds are counted.
        self.timed: set[asyncio.AbstractEventLoop] = set()
        self.looking: set[asyncio.AbstractEventLoop] = set()
        self.told_at = -TOLD_EVERY_S

    def begin(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Look after one who waits from now on, on ``loop``; with the lock held."""
        for loan in self.pool.lent:
            self.watch(loan)
        if self.pool.refuses and loop is not None and loop not in self.timed:
            self.timed = {loop, *(each for each in self.timed if not each.is_closed())}
            _soon(loop, self.refuse_late)

    def watch(self, loan: "Loan") -> None:
        """Look whether the loan's request goes on, if somebody waits; with the lock held."""
        loop = loan.loop
        if self.pool.waiting and loop is not None and loop not in self.looking and loan.awaits:
            self.looking = {loop, *(each for each in self.looking if not each.is_closed())}
            _soon(loop, self.look)

    def look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Count a round of the loop, and have threads leave with who awaits, the oldest first."""
        with self.pool.lock:
            self.looking.discard(loop)
            awaiting = [loan for loan in self.pool.lent if loan.loop is loop and loan.awaits]
            for loan in awaiting:
                loan.rounds += 1
                if loan.rounds >= ROUNDS and loan.thread is not None and self.pool.waiting:
                    self.pool.replace(loan, loan.thread)
            if self.pool.waiting and any(loan.rounds < ROUNDS for loan in awaiting):
                self.looking.add(loop)
                loop.call_soon(self.look, loop)

    def refuse_late(self, loop: asyncio.AbstractEventLoop) -> None:
        """Refuse those that waited for too long, and come again for the next."""
        with self.pool.lock:
            self.timed.discard(loop)
            since = time.monotonic() - LONGEST_WAIT_S
            late = [loan for loan in self.pool.waiting if (loan.waits_since or since) <= since]
            refused = [job for loan in late for job in loan.leave_line()]
            if self.pool.waiting:
                self.timed.add(loop)
                first = self.pool.waiting[0].waits_since or since
                loop.call_later(first - since, self.refuse_late, loop)
        if refused:
            self.tell()
        for job in refused:
            job.refuse()

    def tell(self) -> None:
        """Log that a request is refused; in a crowd not each of them."""
        now = time.monotonic()
        if now >= self.told_at + TOLD_EVERY_S:
            self.told_at = now
            waiting, bound = len(self.pool.waiting), self.pool.bound
            logger.warning("Refused a request: %d wait for %d threads.", waiting, bound)


def _soon(
    loop: asyncio.AbstractEventLoop, call: Callable[[asyncio.AbstractEventLoop], None]
) -> None:
    # A loop that was closed meanwhile answers nobody any more.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call, loop)

"""Looks after those that wait for a thread: none waits for ever, nor for one that only idles."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from django_tandem.asgi.handler.limits import IDLE_S, LONGEST_WAIT_S, LOOKS

if TYPE_CHECKING:
    from django_tandem.asgi.handler.loan import Loan
    from django_tandem.asgi.handler.pool import Pool

TOLD_EVERY_S = 10.0

logger = logging.getLogger("django_tandem.asgi")


class Relief:
    """Looks at the line of a pool, as long as there is one; the pool's lock guards what is here."""

    def __init__(self, pool: "Pool") -> None:
        self.pool = pool
        self.loop: asyncio.AbstractEventLoop | None = None
        self.told_at = -TOLD_EVERY_S

    def look_soon(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Look in a moment, unless that is to happen anyway; with the lock held."""
        if loop is not None and (self.loop is None or self.loop.is_closed()):
            self.loop = loop
            loop.call_later(IDLE_S / LOOKS, self.look)

    def look(self) -> None:
        """Refuse those that waited for too long, and relieve those whose thread only idles."""
        with self.pool.lock:
            loop, self.loop = self.loop, None
            refused = [job for loan in self.too_late() for job in loan.leave_line()]
            self.relieve(loop)
            if self.pool.waiting:
                self.look_soon(loop)
        if refused:
            self.tell()
        for job in refused:
            job.refuse()

    def too_late(self) -> list["Loan"]:
        """Return who waited for too long."""
        since = time.monotonic() - LONGEST_WAIT_S
        return [loan for loan in self.pool.waiting if (loan.waits_since or since) <= since]

    def relieve(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """
        Let a thread leave with a request that awaits something else; with the lock held.

        The request needs this very thread again, for what its code has left there, so another
        takes its place. Seen often enough on its own loop, it is not just about to go on.
        """
        idle = [loan for loan in self.pool.lent if loan.is_idle and loan.loop is loop]
        for loan in idle:
            loan.times_seen_idle += 1
            if loan.times_seen_idle >= LOOKS and self.pool.waiting and loan.leave():
                self.pool.replace()

    def tell(self) -> None:
        """Log that a request is refused; in a crowd not each of them."""
        now = time.monotonic()
        if now >= self.told_at + TOLD_EVERY_S:
            self.told_at = now
            waiting, bound = len(self.pool.waiting), self.pool.bound
            logger.warning("Refused a request: %d wait for %d threads.", waiting, bound)

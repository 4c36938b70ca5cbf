"""Where requests wait for a thread: first in, first out, bounded in number and in time."""

import logging
import time
from collections import deque
from collections.abc import Iterator

from django_tandem.handler.thread_lease import Call, LeaseState, ThreadLease

# As many as Gunicorn lets into a WSGI worker: it leaves further clients unanswered.
MAX_QUEUED = 1000
# A client that waits for longer has left, or retries and makes the queue longer.
MAX_WAIT_S = 10.0
RETRY_AFTER_S = 5
LOG_EVERY_S = 10.0

logger = logging.getLogger("django_tandem.asgi")


class WaitQueue:
    """
    The leases that wait, and how many were rejected; the lock of the pool guards it.

    Without ``rejects`` it has no bounds.
    """

    def __init__(self, *, rejects: bool) -> None:
        self.rejects = rejects
        self.leases: deque[ThreadLease] = deque()
        self.rejected = 0
        self.logged_at = -LOG_EVERY_S

    def __len__(self) -> int:
        return len(self.leases)

    def __iter__(self) -> Iterator[ThreadLease]:
        return iter(self.leases)

    def append(self, lease: ThreadLease) -> None:
        """Have the lease wait behind the others."""
        lease.change_state(LeaseState.QUEUED)
        lease.queued_at = time.monotonic()
        self.leases.append(lease)

    def popleft(self) -> ThreadLease:
        """Remove the lease that has waited for longest, and return it."""
        return self.leases.popleft()

    def remove(self, lease: ThreadLease) -> list[Call]:
        """Remove a lease that is to wait no longer, and return its calls."""
        self.leases.remove(lease)
        lease.change_state(LeaseState.DETACHED)
        calls, lease.queued_calls = lease.queued_calls, []
        return calls

    def reject_if_full(self) -> bool:
        """Count a request and return True if it can't wait here."""
        is_full = self.rejects and len(self.leases) >= MAX_QUEUED
        self.rejected += is_full
        return is_full

    def expire(self, now: float) -> list[Call]:
        """Remove the leases that have waited for too long, and return their calls."""
        if not self.rejects:
            return []
        # No client waits for a task that outlives its request, and nobody would respond with 503.
        waiting = [lease for lease in self.leases if not lease.is_request_over]
        late = [lease for lease in waiting if lease.queued_at <= now - MAX_WAIT_S]
        for lease in late:
            lease.was_rejected = True
        calls = [call for lease in late for call in self.remove(lease)]
        self.rejected += len(calls)
        return calls

    def log_rejected(self, bound: int) -> None:
        """Log that requests are rejected; in an overload not each of them."""
        now = time.monotonic()
        if now < self.logged_at + LOG_EVERY_S:
            return
        self.logged_at = now
        logger.warning(
            "Rejected a request with 503: %d in the wait queue, for %d thread%s.",
            len(self.leases),
            bound,
            "" if bound == 1 else "s",
        )

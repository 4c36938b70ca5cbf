"""How many commands of one event loop run at once on a shard, and how long each waits."""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import AsyncIterator

from redis.exceptions import TimeoutError as RedisTimeoutError

from django_tandem.channels import redis_limits
from django_tandem.channels.redis_limits import time_limit


class CommandSlots:
    """
    Slots for ``count`` commands, which run at once; further ones wait for a slot in order.

    A command times out after TIMEOUT_S. For one that waits, that time begins with the last
    success of another: a burst takes as long as it takes, and a Redis that hangs ends it.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        # Each with the time at which it began to wait, the longest first.
        self._waiters: deque[tuple[float, asyncio.Future[None]]] = deque()
        # One for all: a burst has tens of thousands of waiters.
        self._timer: asyncio.TimerHandle | None = None
        self._succeeded_at = -math.inf

    @contextlib.asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold a slot within the block; raises TimeoutError of redis."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if self._free:
            self._free -= 1
        else:
            await self._wait(began, loop.create_future())
        try:
            async with time_limit(RedisTimeoutError, max(began, self._succeeded_at)):
                yield
            self._succeeded_at = loop.time()
        finally:
            self._release()

    async def _wait(self, began: float, waiter: asyncio.Future[None]) -> None:
        self._waiters.append((began, waiter))
        if self._timer is None:
            self._expire_at(began + redis_limits.TIMEOUT_S)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled() and waiter.exception() is None:
                # It has got the slot.
                self._release()
            raise

    def _release(self) -> None:
        while self._waiters:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1

    def _expire_at(self, until: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(until, self._expire, until)

    def _expire(self, until: float) -> None:
        """End the waiters whose time is over, and look again when that of the next one is."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        if redis_limits.was_blocked(now, until):
            self._expire_at(now + redis_limits.GRACE_S)
            return
        while self._waiters:
            began, waiter = self._waiters[0]
            until = max(began, self._succeeded_at) + redis_limits.TIMEOUT_S
            if until > now:
                self._expire_at(until)
                return
            self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(RedisTimeoutError(redis_limits.no_answer()))

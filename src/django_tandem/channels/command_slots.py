"""How many commands of one event loop run at once on a shard, and how long each waits."""

import asyncio
import contextlib
import math
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
        self._free = asyncio.Semaphore(count)
        self._succeeded_at = -math.inf

    @contextlib.asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold a slot within the block; raises TimeoutError of redis."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if self._free.locked():
            await self._wait(began)
        else:
            await self._free.acquire()
        try:
            async with time_limit(RedisTimeoutError, self._last_success(began)):
                yield
            self._succeeded_at = loop.time()
        finally:
            self._free.release()

    def _last_success(self, began: float) -> float:
        return max(began, self._succeeded_at)

    async def _wait(self, began: float) -> None:
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def check() -> None:
            nonlocal timer
            until = self._last_success(began) + redis_limits.TIMEOUT_S
            if until > loop.time():
                timer = loop.call_at(until, check)
            else:
                limit.reschedule(until)

        timer = loop.call_at(began + redis_limits.TIMEOUT_S, check)
        try:
            async with asyncio.timeout(None) as limit:
                await self._free.acquire()
        except TimeoutError as caught:
            raise RedisTimeoutError(redis_limits.no_answer()) from caught
        finally:
            timer.cancel()

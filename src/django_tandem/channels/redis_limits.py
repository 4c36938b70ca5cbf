"""How long a command waits for Redis, and how soon a lost connection is tried again."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

FIRST_RETRY_S = 0.05
LONGEST_RETRY_S = 1.0
# How long one command waits for Redis to answer, and to be available again.
TIMEOUT_S = 5.0
# How long an event loop that was blocked, as by a burst of tasks, has for the answers it finds.
GRACE_S = 0.5
# A connection that was quiet for this long may be lost without a sign: a firewall drops idle ones.
IDLE_S = 10.0


@contextlib.asynccontextmanager
async def time_limit(error: type[Exception], since: float | None = None) -> AsyncIterator[None]:
    """
    Raise ``error``, which is Redis' own, when the block takes longer than TIMEOUT_S.

    ``since`` is when that time began, by the event loop's clock; by default it begins now.
    """
    # With a timeout of the socket, a connection without a message would end.
    loop = asyncio.get_running_loop()
    until = (loop.time() if since is None else since) + TIMEOUT_S

    def expire() -> None:
        now = loop.time()
        limit.reschedule(now + GRACE_S if was_blocked(now, until) else now)

    timer = loop.call_at(until, expire)
    try:
        async with asyncio.timeout(None) as limit:
            yield
    except TimeoutError as caught:
        if not limit.expired():
            raise
        raise error(no_answer()) from caught
    finally:
        timer.cancel()


async def pause(delay_s: float) -> float:
    """Wait for about so long before a connection is tried again, and return the next delay."""
    # At random: all processes lose theirs at the same time.
    await asyncio.sleep(delay_s * random.uniform(0.5, 1))  # noqa: S311
    return min(2 * delay_s, LONGEST_RETRY_S)


def was_blocked(now: float, until: float) -> bool:
    """Return whether the event loop was blocked at ``until``, and has not read an answer yet."""
    return now > until + GRACE_S


def no_answer() -> str:
    """Return the text of an error after TIMEOUT_S."""
    return f"Redis did not answer within {TIMEOUT_S:g} s."

"""How long a command waits for Redis, and how soon a lost connection is tried again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

FIRST_RETRY_S = 0.05
LONGEST_RETRY_S = 1.0
# How long one command waits for Redis to answer, and to be available again.
TIMEOUT_S = 5.0
# A connection that was quiet for this long may be lost without a sign: a firewall drops idle ones.
IDLE_S = 10.0


@contextlib.asynccontextmanager
async def time_limit(error: type[Exception], since: float | None = None) -> AsyncIterator[None]:
    """
    Raise ``error``, which is Redis' own, when the block takes longer than TIMEOUT_S.

    ``since`` is when that time began, by the event loop's clock; by default it begins now.
    """
    # With a timeout of the socket, a connection without a message would end.
    began = asyncio.get_running_loop().time() if since is None else since
    try:
        async with asyncio.timeout_at(began + TIMEOUT_S) as limit:
            yield
    except TimeoutError as caught:
        if not limit.expired():
            raise
        raise error(no_answer()) from caught


def no_answer() -> str:
    """Return the text of an error after TIMEOUT_S."""
    return f"Redis did not answer within {TIMEOUT_S:g} s."

"""How long a command waits for Redis, and how soon a lost connection is tried again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

FIRST_RETRY_S = 0.05
LONGEST_RETRY_S = 1.0
# How long one command waits for Redis to answer, and to be available again.
TIMEOUT_S = 5.0


@contextlib.asynccontextmanager
async def time_limit(error: type[Exception]) -> AsyncIterator[None]:
    """Raise ``error``, which is Redis' own, when the block takes longer than TIMEOUT_S."""
    # With a timeout of the socket, a connection without a message would end.
    try:
        async with asyncio.timeout(TIMEOUT_S) as limit:
            yield
    except TimeoutError as caught:
        if not limit.expired():
            raise
        raise error(f"Redis did not answer within {TIMEOUT_S:g} s.") from caught

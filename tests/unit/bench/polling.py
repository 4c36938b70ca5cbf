"""Waiting inside an event loop for what nothing awaits."""

import asyncio
import time
from collections.abc import Callable


async def polled(condition: Callable[[], bool], *, within_s: float = 20) -> None:
    """Return as soon as the condition holds."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, f"not within {within_s} s"
        await asyncio.sleep(0.01)

"""A coroutine of a test, in a new event loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any


def run(test: Coroutine[Any, Any, Any]) -> Any:
    """Run it for at most a minute; return its result."""

    async def limited() -> Any:
        async with asyncio.timeout(60):
            return await test

    return asyncio.run(limited())

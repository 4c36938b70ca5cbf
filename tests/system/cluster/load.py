"""Requests without a pause, over new connections, and what came of each."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

TIMEOUT_S = 30


@dataclass
class Outcome:
    """How many answers had each status, and how many requests each failure."""

    statuses: Counter[int | str] = field(default_factory=Counter)
    retry_after: set[str | None] = field(default_factory=set)
    slowest_s: float = 0.0

    @property
    def failed(self) -> int:
        """How many requests did not get 200."""
        return self.statuses.total() - self.statuses[200]


@asynccontextmanager
async def load(url: str, *, at_once: int = 6) -> AsyncIterator[Outcome]:
    """Send so many requests at once until the end of the block."""
    outcome, is_over = Outcome(), asyncio.Event()
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
    ) as session:
        clients = [
            asyncio.create_task(_send(session, url, outcome, is_over)) for _ in range(at_once)
        ]
        try:
            yield outcome
        finally:
            is_over.set()
            await asyncio.gather(*clients)


async def _send(
    session: aiohttp.ClientSession, url: str, outcome: Outcome, is_over: asyncio.Event
) -> None:
    while not is_over.is_set():
        began = time.monotonic()
        try:
            async with session.get(url) as answer:
                await answer.read()
                outcome.statuses[answer.status] += 1
                if answer.status == 503:
                    outcome.retry_after.add(answer.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError) as error:
            outcome.statuses[type(error).__name__] += 1
        outcome.slowest_s = max(outcome.slowest_s, time.monotonic() - began)

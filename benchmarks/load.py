"""A bounded closed-loop load: so many connections, each asking again when it is answered."""

import asyncio
import time
from dataclasses import dataclass

import aiohttp


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one round brought."""

    answered: int
    failed: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds


async def drive(url: str, *, connections: int, seconds: float, socket: str | None = None) -> Load:
    """Ask for ``url`` over ``connections`` for ``seconds``; over the Unix ``socket`` if given."""
    connector: aiohttp.BaseConnector
    if socket is None:
        connector = aiohttp.TCPConnector(limit=connections)
    else:
        connector = aiohttp.UnixConnector(path=socket, limit=connections)
    counts = {True: 0, False: 0}
    started = time.perf_counter()
    until = started + seconds

    async def ask_again() -> None:
        while time.perf_counter() < until:
            counts[await _ask(session, url)] += 1

    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        await asyncio.gather(*(ask_again() for _ in range(connections)))
    took = time.perf_counter() - started
    return Load(answered=counts[True], failed=counts[False], seconds=took)


async def _ask(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            await answer.read()
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False

"""An open load that is the same each time: when each request is sent, whatever the server does."""

import asyncio
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import aiohttp
from advise_routes import KnownRoute

# A request that takes longer has failed.
TIMEOUT_S = 60


@dataclass(frozen=True, slots=True, order=True)
class Arrival:
    """A request, and when it is sent, in seconds since the beginning."""

    at_s: float
    known: KnownRoute = field(compare=False)


def arrivals(
    routes: Iterable[KnownRoute], seconds: float, *, seed: int, computing: float = 1.0
) -> list[Arrival]:
    """
    Return the requests of so many seconds in their order.

    The routes that compute for most of their time get ``computing`` times their load.
    """
    found = []
    for known in routes:
        times = computing if known.waiting < 0.5 else 1.0
        # Each route has its own numbers, so that one more route moves no other.
        numbers = random.Random(f"{seed} {known.route}")
        found += [Arrival(at_s, known) for at_s in _times(known, seconds, times, numbers)]
    return sorted(found)


def _times(known: KnownRoute, seconds: float, times: float, numbers: random.Random) -> list[float]:
    if known.total:
        return [numbers.uniform(0, seconds) for _ in range(known.total)]
    if known.burst:
        first = numbers.uniform(0, known.every_s / 2)
        count = int((seconds - first) / known.every_s) + 1
        begins = [first + number * known.every_s for number in range(count)]
        return [begin for begin in begins for _ in range(round(known.burst * times))]
    found = []
    at_s = numbers.expovariate(known.rate * times)
    while at_s < seconds:
        found.append(at_s)
        at_s += numbers.expovariate(known.rate * times)
    return found


@dataclass(slots=True)
class Played:
    """What a load brought: how many requests, those that failed, and the driver's own delay."""

    sent: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    latest_s: float = 0.0

    def fail(self, what: str) -> None:
        self.failures[what] = self.failures.get(what, 0) + 1


async def play(url: str, load: list[Arrival]) -> Played:
    """Send each request at its time, and return when the last one is answered."""
    played = Played()
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        asyncio.TaskGroup() as group,
    ):
        began = time.perf_counter()
        for each in load:
            await asyncio.sleep(began + each.at_s - time.perf_counter())
            played.latest_s = max(played.latest_s, time.perf_counter() - began - each.at_s)
            group.create_task(_send(session, url, each.known, played))
    return played


async def _send(
    session: aiohttp.ClientSession, url: str, known: KnownRoute, played: Played
) -> None:
    played.sent += 1
    try:
        async with session.request(known.method, url + known.url) as answer:
            await answer.read()
            if answer.status not in (200, known.status):
                played.fail(f"{known.route}: {answer.status}")
    except (aiohttp.ClientError, TimeoutError) as error:
        played.fail(f"{known.route}: {type(error).__name__}")

"""A load of so many requests a second, with a WebSocket echo and a control echo beside it."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from asyncio.subprocess import PIPE
from bisect import bisect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

# The load itself must not be what runs out.
MOST_OPEN = 2000


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One request: its status, 0 when the connection failed; Retry-After; its start and end."""

    status: int
    retry_after: str | None
    began_s: float
    ended_s: float

    @property
    def took_s(self) -> float:
        return self.ended_s - self.began_s


@dataclass(frozen=True, kw_only=True)
class Burst:
    """
    The responses to a load, and the durations of the echoes beside it.

    ``control_s`` are those of a plain echo server: the delays that the machine itself causes.
    """

    answers: list[Answered] = field(default_factory=list)
    echoes_s: list[float] = field(default_factory=list)
    control_s: list[float] = field(default_factory=list)

    @property
    def served(self) -> list[Answered]:
        return [each for each in self.answers if each.status == 200]

    @property
    def refused(self) -> list[Answered]:
        return [each for each in self.answers if each.status == 503]

    @property
    def slowest_s(self) -> float:
        return max(each.took_s for each in self.answers)

    @property
    def longest_queue(self) -> int:
        """The most requests that were served while one waited: no clock, so no noise."""
        ends = sorted(each.ended_s for each in self.served)
        return max(bisect(ends, each.ended_s) - bisect(ends, each.began_s) for each in self.answers)

    @property
    def echo_p99_s(self) -> float:
        return statistics.quantiles(self.echoes_s, n=100)[98]

    @property
    def control_p99_s(self) -> float:
        return statistics.quantiles(self.control_s, n=100)[98]


async def capacity(url: str, *, connections: int, seconds: float) -> float:
    """Return how many requests a second are served when nobody asks before being answered."""
    served = 0
    until = time.monotonic() + seconds

    async def ask_again(session: aiohttp.ClientSession) -> None:
        nonlocal served
        while time.monotonic() < until:
            answer = await _ask(session, url)
            served += answer.status == 200

    async with _session() as session:
        await asyncio.gather(*(ask_again(session) for _ in range(connections)))
    return served / seconds


async def burst(url: str, echo: str, control: str, *, per_second: float, seconds: float) -> Burst:
    """Request ``url`` at that rate, with messages to the WebSockets ``echo`` and ``control``."""
    began = time.monotonic()
    asked: list[asyncio.Task[Answered]] = []
    async with (
        _session() as session,
        _talking(echo) as echoes_s,
        _talking(control) as control_s,
    ):
        while (elapsed := time.monotonic() - began) < seconds:
            due = int(elapsed * per_second) - len(asked)
            asked += [asyncio.create_task(_ask(session, url)) for _ in range(due)]
            await asyncio.sleep(0.005)
        answers = await asyncio.gather(*asked)
    return Burst(answers=answers, echoes_s=echoes_s, control_s=control_s)


@contextmanager
def control_echo() -> Iterator[str]:
    """Run a plain echo server, and yield its URL."""
    argv = (sys.executable, str(Path(__file__).with_name("control.py")))
    with subprocess.Popen(argv, stdout=PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
        finally:
            process.terminate()


def shortcomings(found: Burst) -> list[str]:
    """Return what did not hold of the answers, each in a sentence: no machine is an excuse."""
    wrong = [each for each in found.answers if each.status not in (200, 503)]
    untold = [each for each in found.refused if each.retry_after is None]
    sentences = {
        f"{len(wrong)} of {len(found.answers)} answers were neither 200 nor 503, such as "
        f"{wrong[:1]}": bool(wrong),
        f"{len(untold)} refusals came without Retry-After": bool(untold),
        "nothing was served": not found.served,
        "nothing was refused, so that it was no overload": not found.refused,
    }
    return [sentence for sentence, is_so in sentences.items() if is_so]


def delays(found: Burst, *, at_most: int) -> list[str]:
    """Return what was later than promised, whatever else the machine does."""
    most_s = 2 * found.control_p99_s + 0.05
    sentences = {
        f"one waited while {found.longest_queue} others were served, {at_most} are allowed": (
            found.longest_queue > at_most
        ),
        f"the WebSocket's p99 was {found.echo_p99_s:.3f} s, {most_s:.3f} s are allowed": (
            found.echo_p99_s > most_s
        ),
    }
    return [sentence for sentence, is_so in sentences.items() if is_so]


def promised_s(*, workers: int, queue: int, per_second: float) -> float:
    """Return how long the last in a full queue waits, with half as much again for a noisy day."""
    return 1.5 * (workers + queue) / per_second + 0.5


@asynccontextmanager
async def _talking(url: str) -> AsyncIterator[list[float]]:
    """Talk until the block ends, and only then fill the list."""
    took_s: list[float] = []
    argv = (sys.executable, str(Path(__file__).with_name("talking.py")), url)
    process = await asyncio.create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE)
    try:
        yield took_s
    finally:
        printed, _ = await process.communicate(b"")
    took_s.extend(json.loads(printed))


async def _ask(session: aiohttp.ClientSession, url: str) -> Answered:
    began = time.monotonic()
    status, retry_after = 0, None
    try:
        async with session.get(url) as answer:
            await answer.read()
            status, retry_after = answer.status, answer.headers.get("Retry-After")
    except (aiohttp.ClientError, TimeoutError):
        pass
    return Answered(status=status, retry_after=retry_after, began_s=began, ended_s=time.monotonic())


def _session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=MOST_OPEN, force_close=True)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60))

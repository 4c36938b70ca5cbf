"""
Broadcasts to many WebSockets under faults: no message arrives twice, and none stays away.

Each message has a stamp, by which a client recognizes it. A message that is sent while Valkey is
away may be lost, as on any channel layer; one that is sent later reaches every WebSocket.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from faults.endurance import GROWTH_MB, private_mb
from faults.row import Bound, Fault, Row
from faults.site_up import Site, site
from faults.victims import pid_of, worker

from django_tandem.bench.fanout_client import PLACEHOLDER, stamped
from django_tandem.bench.fanout_load import FanoutLoad
from django_tandem.bench.fanout_workload import FanoutJob, raise_open_files
from django_tandem.runtime.workers import read_slots
from harness.client import ask

PATH = "/ws/marks/"
LAYER = "django_tandem.channels.RedisLayer"
SOCKETS = 200
EVERY_S, SOAK_EVERY_S = 0.2, 1.0
# A message reaches all within this time, on a machine that has other work too.
DELIVERY_S = 5.0
RECOVERY_S = 10
DEADLINE_S = 60
POLL_S = 0.05
# The layer gives up on a Valkey that hangs before the client of a request does.
HUNG_S = 8.0
STALLED_BYTES = 16 * 2**20
MAILBOX = 20


@dataclass(kw_only=True)
class Fanout:
    """A site, its WebSockets, and what became of the messages so far."""

    site: Site
    load: FanoutLoad
    # How many WebSockets are open once all have recovered.
    count: int
    sent: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    # Messages of one sender arrive in order; of two they may not.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def announce(self) -> int:
        """Have the site broadcast, and return the message's stamp; 0 when it can't."""
        async with self.turn:
            return await self._announce()

    async def _announce(self) -> int:
        at_ns = time.monotonic_ns()
        path = f"/faults/announce/?text={stamped(PLACEHOLDER, at_ns)}"
        answer = await asyncio.to_thread(ask, self.site.up.port, path)
        self.sent += 1
        if answer.status == 200:
            return at_ns
        why = f"announce: status {answer.status}"
        self.failed[why] = self.failed.get(why, 0) + 1
        return 0

    async def missing_of(self, stamp: int) -> int:
        """Return how many WebSockets that were open do not get a message within DELIVERY_S."""
        until = time.monotonic() + DELIVERY_S
        while (missing := await self.load.count_undelivered(stamp, 0)) and time.monotonic() < until:
            await asyncio.sleep(POLL_S)
        return missing

    async def missing_of_next(self) -> int:
        """Broadcast, and return how many do not get it: all where the site can't broadcast."""
        stamp = await self.announce()
        return await self.missing_of(stamp) if stamp else self.count

    async def recovery_s(self, since: float) -> float:
        """Return the seconds from ``since`` until all are open, and a message reaches each."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                stamp = await self.announce()
                is_whole = (await self.load.counts()).open >= self.count
                if stamp and is_whole and not await self.missing_of(stamp):
                    return time.monotonic() - since
                await asyncio.sleep(POLL_S)


@asynccontextmanager
async def fanout(
    *, count: int = SOCKETS, stay_s: float = 0.0, **more: object
) -> AsyncIterator[Fanout]:
    """Serve the site with WebSockets open, each of which gets messages."""
    raise_open_files()
    with site(environment={"FAULTS_LAYER": LAYER}, **more) as running:
        job = FanoutJob(url=running.up.url, path=PATH, stay_s=stay_s, offers_deflate=False)
        async with FanoutLoad(job, 2) as load:
            await load.open(count)
            # Of those that come and go, some are always on their way.
            found = Fanout(site=running, load=load, count=count if not stay_s else 9 * count // 10)
            await found.recovery_s(time.monotonic())
            await load.reset()
            found.sent, found.failed = 0, {}
            yield found


@asynccontextmanager
async def announcing(found: Fanout) -> AsyncIterator[None]:
    """Broadcast all the time until the end of the block."""

    async def announce() -> None:
        while True:
            await found.announce()
            await asyncio.sleep(EVERY_S)

    task = asyncio.create_task(announce())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def row(found: Fanout, recovery_s: float, **bounds: Bound) -> Row:
    """Return the row, with the bounds that each of these faults keeps."""
    counts = await found.load.counts()
    common = {
        "messages repeated": Bound(value=counts.repeated, at_most=0),
        "seconds to recovery": Bound(value=recovery_s, at_most=RECOVERY_S),
    }
    return Row(
        sent=found.sent,
        failed=found.failed,
        sockets=found.count,
        closes={int(code): times for code, times in counts.closed},
        recovery_s=recovery_s,
        bounds=common | {name.replace("_", " "): bound for name, bound in bounds.items()},
        notes=(f"{counts.delivered} messages delivered",),
    )


def failed_broadcasts(found: Fanout) -> Bound:
    """Return the bound where a fault leaves Valkey and the views alone: each broadcast is sent."""
    return Bound(value=sum(found.failed.values()), at_most=0)


async def closed(found: Fanout) -> int:
    """Return how many WebSockets were closed."""
    return (await found.load.counts()).closed_total


async def end_valkey(*, times: int = 5, count: int = SOCKETS) -> Row:
    """Kill Valkey under broadcasts, each time once all have recovered."""
    async with fanout(count=count) as found, announcing(found):
        recoveries = [await _end_valkey(found) for _ in range(times)]
        return await row(
            found, max(recoveries), closed_sockets=Bound(value=await closed(found), at_most=0)
        )


async def _end_valkey(found: Fanout) -> float:
    began, pid = time.monotonic(), pid_of(found.site, "valkey")
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE_S):
        while pid_of(found.site, "valkey") in (0, pid):
            await asyncio.sleep(POLL_S)
    return await found.recovery_s(began)


async def hang_valkey(*, count: int = SOCKETS) -> Row:
    """Stop Valkey by SIGSTOP for longer than the layer waits, and continue it."""
    async with fanout(count=count) as found:
        pid = pid_of(found.site, "valkey")
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            stamp = await found.announce()
            answered_s = time.monotonic() - began
            await asyncio.sleep(max(0.0, HUNG_S - answered_s))
        finally:
            os.kill(pid, signal.SIGCONT)
        recovery_s = await found.recovery_s(time.monotonic())
        return await row(
            found,
            recovery_s,
            seconds_to_an_error=Bound(value=answered_s, at_most=HUNG_S),
            announced_without_Valkey=Bound(value=int(bool(stamp)), at_most=0),
            closed_sockets=Bound(value=await closed(found), at_most=0),
        )


async def kill_worker(*, times: int = 3, count: int = SOCKETS) -> Row:
    """Kill an ASGI worker under broadcasts: the WebSockets of the others stay open."""
    async with fanout(count=count) as found, announcing(found):
        kills = [await _kill_worker(found) for _ in range(times)]
        held = sum(sockets for _, sockets in kills)
        return await row(
            found,
            max(recovery_s for recovery_s, _ in kills),
            failed_broadcasts=failed_broadcasts(found),
            closed_sockets=Bound(value=await closed(found), at_least=held, at_most=held),
        )


async def _kill_worker(found: Fanout) -> tuple[float, int]:
    """Return the seconds to recovery, and how many WebSockets the worker had."""
    # Workers publish their counts at intervals.
    await _until(lambda: _is_published(found))
    pid = worker("asgi")(found.site)
    held = sockets_by_pid(found.site)[pid]
    began, before = time.monotonic(), await closed(found)
    os.kill(pid, signal.SIGKILL)
    await _until(lambda: _is_cut(found, before))
    return await found.recovery_s(began), held


async def _is_published(found: Fanout) -> bool:
    return sum(sockets_by_pid(found.site).values()) == found.count


def sockets_by_pid(site: Site) -> dict[int, int]:
    """Return how many WebSockets each worker of the site has."""
    slots = read_slots(site.up.run_dir)
    return {slot.pid: sum(slot.websockets.values()) for slot in slots}


async def _is_cut(found: Fanout, before: int) -> bool:
    return await closed(found) > before


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(POLL_S)


async def stall_client(*, count: int = SOCKETS) -> Row:
    """Have one client read nothing: it is closed with 1013, and the others get each message."""
    more = {"CHANNELS": {"MAILBOX": MAILBOX}}
    async with fanout(count=count, more=more) as found:
        job = FanoutJob(url=found.site.up.url, path=PATH, offers_deflate=False)
        async with FanoutLoad(job, 1) as other:
            await other.open(1)
            await other.stall(1, str(STALLED_BYTES))
            missing = 0
            for _ in range(2 * MAILBOX):
                missing += await found.missing_of_next()
            await other.resume()
            await _until(lambda: _is_closed(other))
            codes = [int(code) for code, _ in (await other.counts()).closed]
        return await row(
            found,
            await found.recovery_s(time.monotonic()),
            failed_broadcasts=failed_broadcasts(found),
            missing_beside_it=Bound(value=missing, at_most=0),
            code_of_the_stalled_client=Bound(value=codes[0], at_least=1013, at_most=1013),
            closed_sockets=Bound(value=await closed(found), at_most=0),
        )


async def _is_closed(other: FanoutLoad) -> bool:
    return (await other.counts()).closed_total > 0


async def reload_in_broadcast(*, times: int = 3, count: int = SOCKETS) -> Row:
    """Reload under broadcasts: each WebSocket is closed once a reload, and reconnects."""
    async with fanout(count=count) as found, announcing(found):
        recoveries = []
        for number in range(1, times + 1):
            found.site.deploy(number)
            done = await asyncio.to_thread(found.site.tandem, "reload", "--wait")
            assert done.returncode == 0, done.stderr
            recoveries.append(await found.recovery_s(time.monotonic()))
        counts = await found.load.counts()
        others = sum(times for code, times in counts.closed if code != "1012")
        return await row(
            found,
            max(recoveries),
            failed_broadcasts=failed_broadcasts(found),
            closed_sockets=Bound(
                value=counts.closed_total, at_least=times * count, at_most=times * count
            ),
            closed_with_another_code=Bound(value=others, at_most=0),
        )


async def soak(*, seconds: float = 1200, count: int = 2000, kills: int = 5) -> Row:
    """Broadcast to WebSockets that come and go while Valkey is killed; compare both halves."""
    async with fanout(count=count, stay_s=30.0) as found:
        began, missing, recoveries, middle = time.monotonic(), 0, [], None
        while (elapsed := time.monotonic() - began) < seconds:
            if elapsed > (len(recoveries) + 1) * seconds / (kills + 1):
                recoveries.append(await _end_valkey(found))
            if middle is None and elapsed > seconds / 2:
                middle = private_mb(found.site)
            missing += await found.missing_of_next()
            await asyncio.sleep(SOAK_EVERY_S)
        end = private_mb(found.site)
        growth = {pid: end[pid] - middle[pid] for pid in end.keys() & middle.keys()}
        return await row(
            found,
            max(recoveries),
            messages_missing=Bound(value=missing, at_most=0),
            times_that_Valkey_was_killed=Bound(value=len(recoveries), at_least=kills),
            largest_growth_in_the_second_half_in_MB=Bound(
                value=max(growth.values()), at_most=GROWTH_MB
            ),
        )


FAULTS = (
    Fault(name="sockets-kill-valkey", run=end_valkey),
    Fault(name="sockets-hung-valkey", run=hang_valkey),
    Fault(name="sockets-kill-worker", run=kill_worker),
    Fault(name="sockets-stalled-client", run=stall_client),
    Fault(name="sockets-reload", run=reload_in_broadcast),
    Fault(name="sockets-soak-short", run=partial(soak, seconds=120)),
    Fault(name="sockets-soak", run=soak),
)

"""Half a day of the mixed load, compressed: afterwards no process has grown without bound."""

import asyncio
import itertools
from contextlib import suppress

import aiohttp
import psutil
from faults.load import Load
from faults.row import Bound, Fault, Row
from faults.scene import Scene, untouched
from faults.site_up import Site, site
from faults.sockets import GREETING_S, PATHS, Sockets

from django_tandem.runtime import supervisord
from harness.client import ask

REQUESTS = 100_000
RATE = 250
VISITS = 2_000
# WebSockets of visitors that are open at a time, beside those that stay.
AT_ONCE, STAY_S = 20, 1.0
STAYING = 50
# Python's allocator and the caches of a project settle within the first half.
GROWTH_MB = 5
POLL_S = 0.5
MB = 2**20


async def endure(*, requests: int = REQUESTS, visits: int = VISITS) -> Row:
    """Send so many requests while so many WebSockets come and go; compare its two halves."""
    with site() as running:
        async with Sockets(running.up.url, STAYING) as sockets:
            async with Load(running.up.url, RATE, running.token) as load:
                scene = Scene(site=running, load=load, sockets=sockets)
                visiting = asyncio.create_task(_visit(running, visits))
                await _wait_until_sent(load, requests // 2)
                middle = private_mb(running)
                await _wait_until_sent(load, requests)
                visited = await visiting
            end = private_mb(running)
        scene.count = (await asyncio.to_thread(ask, running.up.port, "/faults/counted/")).json
    # A process that ended has not grown: that it was not restarted is a bound too.
    growth = {pid: end[pid] - middle[pid] for pid in end.keys() & middle.keys()}
    bounds = untouched(scene) | {
        "processes replaced": Bound(value=len(end.keys() ^ middle.keys()), at_most=0),
        "largest growth in the second half in MB": Bound(
            value=max(growth.values()), at_most=GROWTH_MB
        ),
        "WebSockets that came and went": Bound(value=visited, at_least=visits),
    }
    notes = (
        f"{len(end)} processes, {sum(middle.values()):.0f} MB of private memory in the middle, "
        f"{sum(end.values()):.0f} MB at the end",
    )
    return scene.row(bounds=bounds, notes=notes)


async def _wait_until_sent(load: Load, count: int) -> None:
    while load.sent < count:
        await asyncio.sleep(POLL_S)


async def _visit(running: Site, visits: int) -> int:
    """Open and close so many WebSockets, and return how many were greeted."""
    numbers = iter(range(visits))
    greeted = itertools.count()
    async with aiohttp.ClientSession(headers={"Origin": running.up.url}) as session:

        async def visitor() -> None:
            for number in numbers:
                path = PATHS[number % len(PATHS)]
                with suppress(aiohttp.ClientError, TimeoutError, TypeError):
                    async with session.ws_connect(running.up.url + path) as socket:
                        await socket.receive_json(timeout=GREETING_S)
                        await asyncio.sleep(STAY_S)
                        next(greeted)

        await asyncio.gather(*(visitor() for _ in range(AT_ONCE)))
    return next(greeted)


def private_mb(running: Site) -> dict[int, float]:
    """Return the memory that each process of the stack has for itself, by pid."""
    found = {}
    for leader in supervisord.statuses(running.up.run_dir):
        if leader.pid:
            root = psutil.Process(leader.pid)
            for process in (root, *root.children(recursive=True)):
                found[process.pid] = process.memory_full_info().uss / MB
    return found


FAULTS = (Fault(name="endurance", run=endure),)

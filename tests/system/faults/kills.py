"""A process killed with -9 under load is restarted, and only its requests are lost."""

import asyncio
import os
import signal
import time
from functools import partial

from faults.kinds import ON_ASGI
from faults.prober import Prober
from faults.row import Bound, Fault, Row
from faults.scene import Scene, under_load
from faults.site_up import site
from faults.victims import SYNC, VICTIMS, Victim

# That long without a failure is taken for recovered.
CALM_S = 1.5
DEADLINE_S = 45


async def kill(victim: Victim, *, times: int = 0, rate: float = 100, sockets: int = 50) -> Row:
    """Kill the victim ``times`` times, its own by default, each time once all has recovered."""
    times = times or victim.times
    with site(wsgi=victim.wsgi, asgi=victim.asgi) as running:
        async with under_load(running, rate=rate, sockets=sockets) as scene:
            with Prober(running.up.port, victim.path or SYNC) as prober:
                await _steady(prober)
                kills = [await _kill_once(victim, scene, prober) for _ in range(times)]
    recoveries, reopened = [served for served, _ in kills], [opened for _, opened in kills]
    return scene.row(
        recovery_s=max(recoveries),
        bounds=_bounds(victim, scene, times, max(recoveries)),
        notes=(
            f"{times} kills, recovered after {_listed(recoveries)} s, "
            f"all sockets open after {_listed(reopened)} s, "
            f"slowest request {scene.load.slowest_s:.1f} s",
        ),
    )


async def _kill_once(victim: Victim, scene: Scene, prober: Prober) -> tuple[float, float]:
    pid = victim.pid(scene.site)
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE_S):
        while _is_there(pid) or not victim.pid(scene.site):
            await asyncio.sleep(0.02)
        back_s = time.monotonic() - began
        # Until it shows: what was cut is reported at once.
        await asyncio.sleep(0.1)
        await scene.sockets.wait_until_open(DEADLINE_S)
        reopened_s = time.monotonic() - began
        while not prober.is_well(began, CALM_S):
            await asyncio.sleep(0.02)
    return prober.recovery_s(began) if victim.path else back_s, reopened_s


async def _steady(prober: Prober) -> None:
    since = time.monotonic()
    async with asyncio.timeout(DEADLINE_S):
        while not prober.is_well(since, CALM_S):
            await asyncio.sleep(0.05)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _bounds(victim: Victim, scene: Scene, times: int, recovery_s: float) -> dict[str, Bound]:
    failures = scene.load.failures
    stacks = ["asgi" if each.request.kind in ON_ASGI else "wsgi" for each in failures]
    beside = [stack for stack in stacks if stack not in victim.hits]
    bounds = {
        "seconds to recovery": Bound(value=recovery_s, at_most=victim.recovery_s),
        "failed that it did not serve": Bound(value=len(beside), at_most=0),
    }
    if victim.failed is not None:
        bounds["failed requests"] = Bound(value=len(failures), at_most=victim.failed * times)
    if not victim.cuts:
        bounds["closed sockets"] = Bound(value=len(scene.sockets.closes), at_most=0)
    return bounds


def _listed(seconds: list[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in seconds)


FAULTS = tuple(Fault(name=victim.name, run=partial(kill, victim)) for victim in VICTIMS)

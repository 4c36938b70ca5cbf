"""A fault in the middle of a step of a shift: the split stays as it was, and is watched."""

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial

from faults.row import Bound, Fault, Row
from faults.scene import Scene, under_load, untouched
from faults.site_up import Site, site
from faults.victims import SYNC, pid_of

from django_tandem.model.shifts import SideFigures
from django_tandem.runtime import lock, shifts

PERCENT = 40
# A machine under load is slow by chance.
TOLERANCE = "10000"
DEADLINE_S = 60

Bounds = Callable[[Scene], dict[str, Bound]]


async def hit(fault: Callable[[Site], None], bounds_of: Bounds, *, rate: float = 100) -> Row:
    """Shift a route of the load, do the fault, and end the shift once both sides were measured."""
    with site() as running:
        async with under_load(running, rate=rate) as scene:
            await _tandem(scene, SYNC, "--to", "asgi", "--percent", str(PERCENT))
            before = shifts.read_split(running.up.run_dir)
            await asyncio.to_thread(fault, running)
            after = shifts.read_split(running.up.run_dir)
            # The file keeps the figures from before the fault.
            noted = _figures(running)
            async with asyncio.timeout(DEADLINE_S):
                while not _is_watched(running, noted):
                    await asyncio.sleep(0.05)
            await _tandem(scene, SYNC, "--abort")
            ended = shifts.read_split(running.up.run_dir)
    bounds = {
        "split kept": Bound(value=int(after == before != frozenset()), at_least=1),
        "split left at the end": Bound(value=len(ended), at_most=0),
    }
    return scene.row(bounds={**bounds, **bounds_of(scene)})


def served(scene: Scene) -> dict[str, Bound]:
    """Return the bounds of a reload, which closes the sockets."""
    return {"failed requests": Bound(value=len(scene.load.failures), at_most=0)}


def cut(_scene: Scene) -> dict[str, Bound]:
    """Return those of an edge that is killed: what it carries is lost."""
    return {}


async def _tandem(scene: Scene, *arguments: str) -> None:
    more = ("--tolerance", TOLERANCE) if "--to" in arguments else ()
    done = await asyncio.to_thread(scene.site.tandem, "shift", *arguments, *more)
    assert done.returncode == 0, done.stderr


def _figures(running: Site) -> tuple[SideFigures, SideFigures]:
    found = next(each for each in shifts.read(running.up.run_dir) if each.route == SYNC)
    return found.on_trial, found.at_home


def _is_watched(running: Site, noted: tuple[SideFigures, SideFigures]) -> bool:
    """Return whether a program runs, which has seen requests of the route since ``noted``."""
    found = _figures(running)
    is_new = found != noted and any(side.requests for side in found)
    return is_new and lock.holder(running.up.run_dir, lock.SHIFTER) is not None


def kill_shifter(running: Site) -> None:
    """Kill the program that watches, and wait for the next one."""
    _kill(lambda: lock.holder(running.up.run_dir, lock.SHIFTER) or 0)


def kill_program(name: str, running: Site) -> None:
    """Kill a program of supervisord, and wait until it runs again."""
    _kill(lambda: pid_of(running, name))


def _kill(pid: Callable[[], int]) -> None:
    killed = pid()
    # 0 would be the group of this process.
    assert killed, "It does not run."
    os.kill(killed, signal.SIGKILL)
    asyncio.run(_wait(lambda: pid() not in (0, killed)))


async def _wait(is_there: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not is_there():
            await asyncio.sleep(0.02)


def reload(running: Site) -> None:
    """Replace the generation, and wait until the old one has drained."""
    done = running.tandem("reload", "--wait")
    assert done.returncode == 0, done.stderr


FAULTS = (
    Fault(name="shift-kill-shifter", run=partial(hit, kill_shifter, untouched)),
    Fault(name="shift-kill-monitor", run=partial(hit, partial(kill_program, "monitor"), untouched)),
    Fault(name="shift-kill-edge", run=partial(hit, partial(kill_program, "nginx"), cut)),
    Fault(name="shift-reload", run=partial(hit, reload, served)),
)

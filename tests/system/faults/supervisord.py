"""supervisord killed with -9: nothing of its stack survives it, and the next `up` cleans up."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass

import psutil
from faults.row import Bound, Fault, Row
from faults.scene import Scene, under_load
from faults.site_up import site

from harness.client import wait_for
from harness.stack import Up

ORPHANS_S = 10
# Most of it is `up` itself, on a machine that the load keeps busy.
RECOVERY_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """One kill: when, what was left after a while, and when the next `up` was ready."""

    began: float
    orphans: tuple[str, ...]
    gone_s: float
    ready: float


async def kill(*, sockets: int = 50) -> Row:
    """Kill it under load and start the stack again, once all is gone and then at once."""
    with site() as running:
        ups = [running.up]
        try:
            async with under_load(running, sockets=sockets) as scene:
                kills = [
                    await asyncio.to_thread(_kill, ups, waits=waits) for waits in (True, False)
                ]
                await scene.sockets.wait_until_open()
        finally:
            ups[-1].stop()
    recovery_s = max(each.ready - each.began for each in kills)
    return scene.row(
        recovery_s=recovery_s,
        bounds={
            "orphans": Bound(value=sum(len(each.orphans) for each in kills), at_most=0),
            "failed once it was ready": Bound(value=_late(scene, kills), at_most=0),
            "seconds to recovery": Bound(value=recovery_s, at_most=RECOVERY_S),
        },
        notes=(
            f"{len(kills)} kills, all gone after {kills[0].gone_s:.1f} s by itself",
            *(f"left behind: {orphan}" for each in kills for orphan in each.orphans),
        ),
    )


def _kill(ups: list[Up], *, waits: bool) -> Killed:
    old = ups[-1]
    children = psutil.Process(old.process.pid).children(recursive=True)
    began = time.monotonic()
    os.kill(old.process.pid, signal.SIGKILL)
    old.wait()
    orphans = _left(children) if waits else []
    gone_s = time.monotonic() - began
    ups.append(Up(old.directory, environment=old.environment, port=old.port))
    ups[-1].__enter__()
    ready = time.monotonic()
    orphans += _left(children)
    return Killed(began=began, orphans=tuple(orphans), gone_s=gone_s, ready=ready)


def _left(children: list[psutil.Process]) -> list[str]:
    try:
        wait_for(lambda: not _alive(children), within_s=ORPHANS_S)
    except AssertionError:
        return _alive(children)
    return []


def _alive(children: list[psutil.Process]) -> list[str]:
    # A process is itself by its pid and the time of its start.
    return [f"pid {child.pid}" for child in children if child.is_running()]


def _late(scene: Scene, kills: list[Killed]) -> int:
    return sum(
        not any(each.began <= failure.ended and failure.began <= each.ready for each in kills)
        for failure in scene.load.failures
    )


FAULTS = (Fault(name="kill-supervisord", run=kill),)

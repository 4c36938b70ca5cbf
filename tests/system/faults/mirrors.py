"""A fault while a route is mirrored: no client of it, nor of any other route, notices."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

from faults.row import Bound, Fault, Row
from faults.scene import under_load, untouched
from faults.shifts import DEADLINE_S, kill_program
from faults.site_up import TANDEM, Site, site
from faults.victims import SYNC

from django_tandem.runtime import lock, mirrored
from harness.stack import clean_environment

COMPARISONS = 5


async def hit(fault: Callable[[Site], None], *, outlives: bool, rate: float = 100) -> Row:
    """Mirror a route of the load, do the fault, and end the mirror once its copies have ended."""
    with site() as running:
        async with under_load(running, rate=rate) as scene:
            with _mirroring(running):
                await _wait(lambda: _compared(running) >= COMPARISONS)
                await asyncio.to_thread(fault, running)
                before = _compared(running)
                # So many further requests of the load, with copies that may find no socket.
                sent = scene.load.sent
                await _wait(lambda: scene.load.sent >= sent + rate)
                if outlives:
                    await _wait(lambda: _compared(running) > before)
                done = await asyncio.to_thread(running.tandem, "shift", "--status")
                is_copied = (running.up.run_dir / mirrored.DIRECTORY).exists()
    bounds = {
        "the status's exit code": Bound(value=done.returncode, at_most=0),
        "copies": Bound(value=int(is_copied), at_least=int(outlives), at_most=int(outlives)),
    }
    return scene.row(bounds={**bounds, **untouched(scene)})


@contextlib.contextmanager
def _mirroring(running: Site) -> Iterator[None]:
    argv = [sys.executable, *TANDEM, "shift", SYNC, "--to", "asgi", "--mirror"]
    environment = clean_environment() | running.environment
    process = subprocess.Popen(
        argv, cwd=running.directory, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE_S)


def _compared(running: Site) -> int:
    run = mirrored.read(running.up.run_dir)
    return run.report.compared if run else 0


async def _wait(is_there: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not is_there():
            await asyncio.sleep(0.05)


def kill_mirror(running: Site) -> None:
    """Kill the command, whose socket and whose file for the edge are left."""
    killed = lock.holder(running.up.run_dir, lock.MIRROR)
    assert killed, "No mirror runs."
    os.kill(killed, signal.SIGKILL)
    asyncio.run(_wait(lambda: lock.holder(running.up.run_dir, lock.MIRROR) is None))


FAULTS = (
    Fault(name="mirror-kill", run=partial(hit, kill_mirror, outlives=False)),
    Fault(
        name="mirror-kill-monitor",
        run=partial(hit, partial(kill_program, "monitor"), outlives=True),
    ),
)

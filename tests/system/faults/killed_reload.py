"""`tandem reload` killed with -9 at each of its steps in turn: the next one recovers."""

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.reloads import RESTART
from faults.row import Bound, Fault, Row
from faults.scene import Scene, under_load
from faults.site_up import DRAIN_S, Site, site
from stack.mistaken import running_in

from django_tandem.runtime.host import nginx_from_wheel
from harness.client import wait_for
from harness.stack import Up

# -P, for what lies beside it is called like packages that the project imports.
STEPPING = ("-P", str(Path(__file__).parent / "stepping.py"))
# What `tandem status` may report: all is well, or something drains or is on its way.
EXPECTED_CODES = (0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The outcome of one kill: failures as sentences, none when all is well."""

    step: str
    complaints: tuple[str, ...]


async def steps_of(site: Site, functions: Sequence[str] = ()) -> list[str]:
    """Return ``functions``; without any, reload to the end, with other rules, for all steps."""
    if functions:
        return list(functions)
    log = site.directory / "steps"
    site.deploy(1, routes=1)
    done = await asyncio.to_thread(site.tandem, "reload", script=STEPPING, FAULTS_STEPS=str(log))
    assert done.returncode == 0, done.stderr
    await asyncio.to_thread(site.wait_until_drained)
    return log.read_text().splitlines()


async def kill_reloads(
    functions: Sequence[str] = (), *, rate: float = 100, sockets: int = 50, drain_s: int = DRAIN_S
) -> Row:
    """Kill a reload under load at each step, or before ``functions``; ask the status; reload."""
    # Each step has other rules: what NGINX itself loses then, before 1.27.4, is not asked here.
    with site(drain_s=drain_s, nginx=nginx_from_wheel()) as running:
        steps = await steps_of(running, functions)
        async with under_load(running, rate=rate, sockets=sockets) as scene:
            stopped = [
                await _kill_and_reload(scene, step, version)
                for version, step in enumerate(steps, start=1)
            ]
    return scene.row(bounds=_bounds(scene, stopped), notes=_notes(stopped))


async def _kill_and_reload(scene: Scene, step: str, number: int) -> Stopped:
    running, version = scene.site, 2 * number
    running.deploy(version, routes=version)
    killed = await asyncio.to_thread(running.tandem, "reload", script=STEPPING, FAULTS_STEP=step)
    status = await asyncio.to_thread(running.tandem, "status", "--json")
    running.deploy(version + 1, routes=version + 1)
    again = await asyncio.to_thread(running.tandem, "reload")
    paths = ("/faults/version/", "/faults/async-version/", f"/faults/added-{version}/")
    seen = [await asyncio.to_thread(running.version, path) for path in paths]
    await asyncio.to_thread(running.wait_until_drained)
    await scene.sockets.wait_until_open()
    wrong = {
        f"it was not killed: {killed.returncode}": killed.returncode != -signal.SIGKILL,
        f"status reported {status.returncode}, {status.stderr}": status.returncode
        not in EXPECTED_CODES
        or "Traceback" in status.stderr,
        f"the next reload reported {again.returncode}, {again.stderr}": again.returncode != 0,
        f"{seen} served, not {version + 1}": set(seen) != {version + 1},
    }
    return Stopped(step=step, complaints=tuple(text for text, is_so in wrong.items() if is_so))


async def kill_and_stop(functions: Sequence[str] = ()) -> Row:
    """Kill a reload at each step, then stop the stack: nothing is left, and it starts again."""
    with site(nginx=nginx_from_wheel()) as running:
        steps = await steps_of(running, functions)
        running.up.stop()
        stopped = [
            await asyncio.to_thread(_kill_and_stop, running, step, number)
            for number, step in enumerate(steps, start=1)
        ]
    bounds = {"steps that left something": _wrong(stopped)}
    return Row(sent=0, failed={}, sockets=0, closes={}, bounds=bounds, notes=_notes(stopped))


def _kill_and_stop(running: Site, step: str, number: int) -> Stopped:
    with Up(running.directory, environment=running.environment) as up:
        running.deploy(number, routes=number + 1)
        killed = running.tandem("reload", script=STEPPING, FAULTS_STEP=step)
        down = running.tandem("down")
        up.wait()
        left = _left(running)
    wrong = {
        f"it was not killed: {killed.returncode}": killed.returncode != -signal.SIGKILL,
        f"down reported {down.returncode}, {down.stderr}": down.returncode != 0,
        f"left behind: {left}": bool(left),
    }
    return Stopped(step=step, complaints=tuple(text for text, is_so in wrong.items() if is_so))


def _left(running: Site) -> list[str]:
    try:
        # The drainer notices without a signal that supervisord has gone.
        wait_for(lambda: not running_in(running.directory), within_s=5)
    except AssertionError:
        return running_in(running.directory)
    candidates = [*running.up.run_dir.glob("*.sock"), *running.up.run_dir.glob("*.next")]
    return [path.name for path in candidates]


def _bounds(scene: Scene, stopped: list[Stopped]) -> dict[str, Bound]:
    other = sum(close.code != RESTART for close in scene.sockets.closes)
    return {
        "failed requests": Bound(value=len(scene.load.failures), at_most=0),
        "sockets not closed with 1012": Bound(value=other, at_most=0),
        "refused handshakes": Bound(value=len(scene.sockets.refused), at_most=0),
        "steps not understood": _wrong(stopped),
    }


def _wrong(stopped: list[Stopped]) -> Bound:
    return Bound(value=sum(bool(each.complaints) for each in stopped), at_most=0)


def _notes(stopped: list[Stopped]) -> tuple[str, ...]:
    complaints = [
        f"killed before {each.step}: {text}" for each in stopped for text in each.complaints
    ]
    return (f"killed at {len(stopped)} steps", *complaints)


FAULTS = (
    Fault(name="kill-reload", run=kill_reloads),
    Fault(name="kill-reload-down", run=kill_and_stop),
)

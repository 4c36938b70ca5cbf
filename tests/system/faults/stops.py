"""Stops of a whole stack under load, and drains that wait: how each socket and request ends."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import aiohttp
import psutil
from faults.row import Bound, Fault, Row
from faults.scene import Scene, under_load
from faults.site_up import Site, site
from faults.sockets import Close, Sockets

from django_tandem.model import stop_budget
from django_tandem.model.stop import end_s
from harness.stack import Up

ASGI = ("uvicorn", "daphne", "granian", "hypercorn", "gunicorn")
SOCKETS = 200
RESTART = 1012
STOP_S = 8
# Requests that are in flight for seconds when the stop begins, on either stack.
IN_FLIGHT = {"/faults/slow/?s=2": 2, "/faults/async-slow/?s=2": 20, "/faults/async-slow/?s=5": 20}
# A command's own start, on a machine that the load keeps busy.
COMMAND_S = 5
# What is killed with its program is reaped by another process.
REAPED_S = 2
# Of a window, in which connections that wait are left open.
LEFT_OPEN = 0.84


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """One stop: when it began, how long it took, its exit code, and what was in flight."""

    began: float
    took_s: float
    exit_code: int
    left: int
    answered: dict[str, int]


Stop = Callable[[Site], int]


def by_signal(running: Site) -> int:
    """Stop the stack by SIGTERM, and return its exit code."""
    return running.up.stop()


def by_command(running: Site, *options: str) -> int:
    """Stop the stack by `tandem down`, and return the command's exit code."""
    return running.tandem("down", *options).returncode


def waiting(running: Site) -> int:
    """Stop the stack by `tandem down --drain wait`."""
    return by_command(running, "--drain", "wait")


def when_stopped(running: Site) -> int:
    """Stop a stack by `tandem down` whose supervisord has got SIGSTOP before."""
    os.kill(running.up.process.pid, signal.SIGSTOP)
    return by_command(running)


async def stop(
    how: Stop,
    *,
    asgi: str = "uvicorn",
    waits: bool = False,
    stop_s: int = STOP_S,
    sockets: int = SOCKETS,
    rate: float = 100,
) -> Row:
    """Stop the stack under load, start it again, and count what was answered."""
    with site(asgi=asgi, more={"STOP_S": stop_s}) as running:
        again = Up(running.directory, environment=running.environment, port=running.up.port)
        try:
            async with under_load(running, rate=rate, sockets=sockets) as scene:
                stopped = await _stop(scene, how)
                closes = list(scene.sockets.closes)
                await asyncio.to_thread(again.__enter__)
                scene.sockets.may_open.set()
                await scene.sockets.wait_until_open()
        finally:
            again.stop()
    longest_s = end_s(stop_s) + (0 if how is by_signal else COMMAND_S)
    window = _shares(closes, stopped.began, stop_budget(stop_s).window_s)
    return scene.row(
        closed=Counter(close.code for close in closes),
        spread=None if waits else max(window) - min(window),
        bounds={
            **_bounds(scene, closes),
            "requests in flight that failed": Bound(
                value=sum(IN_FLIGHT.values()) - stopped.answered.get("200", 0), at_most=0
            ),
            "seconds until all had ended": Bound(value=stopped.took_s, at_most=longest_s),
            "exit code": Bound(value=stopped.exit_code, at_most=0, at_least=0),
            "processes left": Bound(value=stopped.left, at_most=0),
            **(
                {"first close, as a share of the window": _left_open(window)}
                if waits
                else {"spread": Bound(value=max(window) - min(window), at_least=0.8)}
            ),
        },
        notes=(f"all had ended after {stopped.took_s:.1f} s, in flight {stopped.answered}",),
    )


async def _stop(scene: Scene, how: Stop) -> Stopped:
    process = psutil.Process(scene.site.up.process.pid)
    children = process.children(recursive=True)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        in_flight = [
            asyncio.create_task(_status(session, scene.site.up.url + path))
            for path, times in IN_FLIGHT.items()
            for _ in range(times)
        ]
        # They have been accepted, as the load goes on beside them.
        await asyncio.sleep(0.5)
        scene.sockets.may_open.clear()
        await scene.load.stop_sending()
        began = time.monotonic()
        exit_code = await asyncio.to_thread(how, scene.site)
        await asyncio.to_thread(scene.site.up.wait)
        took_s = time.monotonic() - began
        answered = Counter(await asyncio.gather(*in_flight))
    return Stopped(
        began=began,
        took_s=took_s,
        exit_code=exit_code,
        left=len(psutil.wait_procs(children, timeout=REAPED_S)[1]),
        answered=dict(answered),
    )


async def _status(session: aiohttp.ClientSession, url: str) -> str:
    try:
        async with session.get(url) as answer:
            await answer.read()
            return str(answer.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error).__name__


async def reload_waiting(*, asgi: str = "uvicorn", drain_s: int = 15) -> Row:
    """Reload with one path whose sockets wait, and one whose sockets are spread."""
    more = {"DRAIN": [[Sockets.WAITING, "wait"]]}
    with site(asgi=asgi, drain_s=drain_s, more=more) as running:
        async with under_load(running, sockets=100) as scene:
            running.deploy(1)
            done = await asyncio.to_thread(running.tandem, "reload")
            # The drain begins as the reload ends.
            began = time.monotonic()
            await asyncio.to_thread(running.wait_until_drained)
            await scene.sockets.wait_until_open()
    waiting = [close for close in scene.sockets.closes if close.path == Sockets.WAITING]
    others = [close for close in scene.sockets.closes if close.path != Sockets.WAITING]
    spread = _shares(others, began, drain_s)
    return scene.row(
        spread=max(spread) - min(spread),
        bounds={
            **_bounds(scene, scene.sockets.closes),
            "reload refused": Bound(value=done.returncode, at_most=0),
            "failed requests": Bound(value=len(scene.load.failures), at_most=0),
            "refused handshakes": Bound(value=len(scene.sockets.refused), at_most=0),
            "first close, as a share of the window": _left_open(_shares(waiting, began, drain_s)),
            "spread": Bound(value=max(spread) - min(spread), at_least=0.8),
        },
    )


def _shares(closes: list[Close], began: float, window_s: float) -> list[float]:
    """Return when each socket was closed, as a share of the window."""
    return [(close.at - began) / window_s for close in closes] or [0.0]


def _left_open(shares: list[float]) -> Bound:
    return Bound(value=min(shares), at_least=LEFT_OPEN)


def _bounds(scene: Scene, closes: list[Close]) -> dict[str, Bound]:
    other = sum(close.code != RESTART for close in closes)
    return {
        "failed requests": Bound(value=len(scene.load.failures), at_most=0),
        "sockets closed": Bound(
            value=len(closes), at_least=scene.sockets.count, at_most=scene.sockets.count
        ),
        "sockets not closed with 1012": Bound(value=other, at_most=0),
    }


FAULTS = (
    *(Fault(name=f"stop-{asgi}", run=partial(stop, by_signal, asgi=asgi)) for asgi in ASGI),
    Fault(
        name="stop-waiting",
        run=partial(stop, waiting, waits=True, stop_s=12),
    ),
    Fault(name="stop-stopped-supervisord", run=partial(stop, when_stopped)),
    Fault(name="reload-waiting", run=reload_waiting),
)

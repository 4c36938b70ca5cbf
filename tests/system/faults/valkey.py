"""Valkey is restarted: sockets stay open, and a group's messages arrive again."""

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import Iterator
from functools import partial

from faults.row import Bound, Fault, Row
from faults.scene import Scene, under_load
from faults.site_up import site
from faults.victims import pid_of

from harness.client import ask

TIMES = 3
# How long one message may take to reach every socket before the next is sent.
WORD_S = 1.0
RECOVERY_S = 10
DEADLINE_S = 60


async def end(sent: signal.Signals, *, times: int = TIMES, sockets: int = 100) -> Row:
    """End Valkey under open sockets, and wait until a group's message reaches each again."""
    with site() as running:
        async with under_load(running, sockets=sockets) as scene:
            words = (f"word-{number}" for number in itertools.count())
            await _spread(scene, words)
            recoveries = [await _end_once(scene, sent, words) for _ in range(times)]
    recovered = ", ".join(f"{each:.1f}" for each in recoveries)
    return scene.row(
        recovery_s=max(recoveries),
        bounds={
            "failed requests": Bound(value=len(scene.load.failures), at_most=0),
            "closed sockets": Bound(value=len(scene.sockets.closes), at_most=0),
            "seconds to recovery": Bound(value=max(recoveries), at_most=RECOVERY_S),
        },
        notes=(f"{times} times, messages reach each socket after {recovered} s",),
    )


async def _end_once(scene: Scene, sent: signal.Signals, words: Iterator[str]) -> float:
    pid = pid_of(scene.site, "valkey")
    began = time.monotonic()
    os.kill(pid, sent)
    async with asyncio.timeout(DEADLINE_S):
        while pid_of(scene.site, "valkey") in (0, pid):
            await asyncio.sleep(0.02)
    await _spread(scene, words)
    return time.monotonic() - began


async def _spread(scene: Scene, words: Iterator[str]) -> None:
    """Send one text after the other until one has reached each socket."""
    async with asyncio.timeout(DEADLINE_S):
        for word in words:
            await asyncio.to_thread(ask, scene.site.up.port, f"/faults/announce/?text={word}")
            with contextlib.suppress(TimeoutError):
                await scene.sockets.wait_until_told(word, WORD_S)
                return


FAULTS = (
    Fault(name="restart-valkey", run=partial(end, signal.SIGTERM)),
    Fault(name="kill-valkey", run=partial(end, signal.SIGKILL)),
)

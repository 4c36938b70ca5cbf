"""
The driver of `tandem bench`, with broadcasts: ``python -m side_by_side.driver``.

A broadcast contains its time of sending, on the clock that all processes of a machine share, so
that each WebSocket can measure its latency.
"""

import asyncio
import json
import os
import sys
import time

from channels_redis.core import RedisChannelLayer
from websockets.asyncio.client import ClientConnection

from django_tandem.bench.driver import main, run
from django_tandem.bench.results import DriverResult
from django_tandem.bench.websocket_load import MEASURES
from django_tandem.bench.workload import Job, WebSockets

GROUP = "broadcast"
BROADCAST = "broadcast"


class Broadcaster:
    """Sends broadcasts, and remembers them: a missing one counts too."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self.sent: list[float] = []

    async def broadcast(self) -> None:
        """Send at a fixed rate: a slow Valkey must not reduce it."""
        layer = RedisChannelLayer(hosts=[os.environ["REDIS_URL"]])
        beat = time.monotonic()
        while True:
            beat += self._every_s
            await asyncio.sleep(beat - time.monotonic())
            at = time.monotonic()
            self.sent.append(at)
            await layer.group_send(GROUP, {"type": "announced", "at": at})

    async def receive(
        self, socket: ClientConnection, _sockets: WebSockets, seconds: list[float]
    ) -> None:
        """Measure broadcasts from now on; a missing one counts with the time so far."""
        began, received = time.monotonic(), set()
        try:
            async for message in socket:
                sent = json.loads(message)["at"]
                received.add(sent)
                # An earlier message waited in this process, not in the server.
                if sent >= began:
                    seconds.append(time.monotonic() - sent)
        finally:
            now = time.monotonic()
            seconds += [now - sent for sent in self.sent if sent >= began and sent not in received]


async def broadcasting(job: Job) -> DriverResult:
    """Run the job, with broadcasts if its WebSockets measure them."""
    sockets = job.workload.sockets
    if sockets is None or sockets.measure != BROADCAST:
        return await run(job)
    broadcaster = Broadcaster(sockets.every_s)
    driving = asyncio.create_task(run(job, {**MEASURES, BROADCAST: broadcaster.receive}))
    broadcasts = asyncio.create_task(broadcaster.broadcast())
    # Broadcasting ends only with an error.
    done, _ = await asyncio.wait({driving, broadcasts}, return_when=asyncio.FIRST_COMPLETED)
    if broadcasts in done:
        driving.cancel()
        broadcasts.result()
    broadcasts.cancel()
    return driving.result()


if __name__ == "__main__":
    sys.exit(main(broadcasting))

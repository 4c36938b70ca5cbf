"""
The driver of `tandem bench`, which can broadcast as well: ``python -m side_by_side.driver``.

What is broadcast says when it was sent, on the clock that all processes of a machine share, so
that each WebSocket knows how long it was on its way.
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
    """What is broadcast, and when: so that what never comes is known as well."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self.sent: list[float] = []

    async def broadcast(self) -> None:
        """Send for ever, on the beat: a slow Valkey must not make for fewer."""
        layer = RedisChannelLayer(hosts=[os.environ["REDIS_URL"]])
        beat = time.monotonic()
        while True:
            beat += self._every_s
            await asyncio.sleep(beat - time.monotonic())
            at = time.monotonic()
            self.sent.append(at)
            await layer.group_send(GROUP, {"type": "told", "at": at})

    async def receive(
        self, socket: ClientConnection, _sockets: WebSockets, seconds: list[float]
    ) -> None:
        """Take what is broadcast from now on; what is missing in the end took that long."""
        began, heard = time.monotonic(), set()
        try:
            async for message in socket:
                sent = json.loads(message)["at"]
                heard.add(sent)
                # What came while others were being opened has waited here, not there.
                if sent >= began:
                    seconds.append(time.monotonic() - sent)
        finally:
            now = time.monotonic()
            seconds += [now - sent for sent in self.sent if sent >= began and sent not in heard]


async def broadcasting(job: Job) -> DriverResult:
    """Do the job, and broadcast meanwhile if it has WebSockets that hear it."""
    sockets = job.workload.sockets
    if sockets is None or sockets.measure != BROADCAST:
        return await run(job)
    broadcaster = Broadcaster(sockets.every_s)
    driving = asyncio.create_task(run(job, {**MEASURES, BROADCAST: broadcaster.receive}))
    talking = asyncio.create_task(broadcaster.broadcast())
    # The one has an end, and the other none but an error.
    done, _ = await asyncio.wait({driving, talking}, return_when=asyncio.FIRST_COMPLETED)
    if talking in done:
        driving.cancel()
        talking.result()
    talking.cancel()
    return driving.result()


if __name__ == "__main__":
    sys.exit(main(broadcasting))

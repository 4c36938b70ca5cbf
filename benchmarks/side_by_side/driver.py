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
from django_tandem.bench.measured import Driven
from django_tandem.bench.socket_load import MEASURES
from django_tandem.bench.wire import Job
from django_tandem.bench.workload import Sockets

GROUP = "broadcast"
BROADCAST = "broadcast"


async def hear(socket: ClientConnection, _sockets: Sockets, seconds: list[float]) -> None:
    """Take what is broadcast from now on."""
    began = time.monotonic()
    async for message in socket:
        sent = json.loads(message)["at"]
        # What came while others were being opened has waited here, not there.
        if sent >= began:
            seconds.append(time.monotonic() - sent)


async def broadcasting(job: Job) -> Driven:
    """Do the job, and broadcast meanwhile if it has WebSockets that hear it."""
    sockets = job.workload.sockets
    measures = {**MEASURES, BROADCAST: hear}
    if sockets is None or sockets.measure != BROADCAST:
        return await run(job, measures)
    talking = asyncio.create_task(_broadcast(sockets.every_s))
    try:
        return await run(job, measures)
    finally:
        talking.cancel()


async def _broadcast(every_s: float) -> None:
    layer = RedisChannelLayer(hosts=[os.environ["REDIS_URL"]])
    while True:
        await layer.group_send(GROUP, {"type": "told", "at": time.monotonic()})
        await asyncio.sleep(every_s)


if __name__ == "__main__":
    sys.exit(main(broadcasting))

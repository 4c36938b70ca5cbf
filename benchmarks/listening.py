"""
Opens so many WebSockets, tells their group ten times a second what time it is, and prints as
JSON how long each message took to reach each of them.

Arguments: the WebSockets' URL, how many, the seconds, and the Redis URL of the channel layer. A
process of its own, so that it does not time how busy the load is.
"""

import asyncio
import json
import sys
import time

import aiohttp
from channels_redis.core import RedisChannelLayer

EVERY_S = 0.1
# After the last message, for those that are on their way.
REST_S = 5.0


async def listen(socket: aiohttp.ClientWebSocketResponse, took_s: list[float]) -> None:
    """Keep how long each message took."""
    async for message in socket:
        took_s.append(time.monotonic() - float(message.data))  # noqa: PERF401 - read while it grows


async def main(url: str, many: str, seconds: str, redis: str) -> None:
    """Tell and listen."""
    layer = RedisChannelLayer(hosts=[redis])
    took_s: list[float] = []
    told = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        sockets = [await session.ws_connect(url) for _ in range(int(many))]
        listening = [asyncio.create_task(listen(each, took_s)) for each in sockets]
        until = time.monotonic() + float(seconds)
        while time.monotonic() < until:
            message = {"type": "told", "text": str(time.monotonic())}
            await layer.group_send("bench", message)
            told += 1
            await asyncio.sleep(EVERY_S)
        until = time.monotonic() + REST_S
        while len(took_s) < told * len(sockets) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        for each in listening:
            each.cancel()
    print(json.dumps({"expected": told * len(sockets), "took_s": took_s}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""
Talks to the WebSocket that it is given until its stdin ends, then prints how long each echo took.

A separate process: in that of the load, it would time how busy the load's own loop is.
"""

import asyncio
import json
import sys
import time

import aiohttp

EVERY_S = 0.02


async def talk(url: str, took_s: list[float]) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        while True:
            began = time.perf_counter()
            await socket.send_str("echo")
            if await socket.receive_str() != "echo":
                raise RuntimeError("another word came back")
            took_s.append(time.perf_counter() - began)
            await asyncio.sleep(EVERY_S)


async def main() -> None:
    took_s: list[float] = []
    talking = asyncio.create_task(talk(sys.argv[1], took_s))
    told_to_end = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait([talking, told_to_end], return_when=asyncio.FIRST_COMPLETED)
    if talking.done():
        talking.result()
    talking.cancel()
    print(json.dumps(took_s))


if __name__ == "__main__":
    asyncio.run(main())

"""
The services behind the shop: ``python upstream.py HTTP_PORT TCP_PORT``.

Both answer after as many milliseconds as the request names. The path ``/unreliable`` has a success
in every twentieth response, and a 503 in all others.
"""

import asyncio
import itertools
import sys

import uvloop
from aiohttp import web

ONE_IN = 20
_numbers = itertools.count(1)


async def answer(request: web.Request) -> web.Response:
    await asyncio.sleep(int(request.query["ms"]) / 1000)
    if request.path == "/unreliable" and next(_numbers) % ONE_IN:
        raise web.HTTPServiceUnavailable
    return web.json_response({"of": request.path.strip("/"), "price": "9.99", "stock": 12})


async def answer_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    line = await reader.readline()
    await asyncio.sleep(int(line or b"0") / 1000)
    writer.write(b"12 on the shelf\n")
    await writer.drain()
    writer.close()


async def serve(http_port: int, tcp_port: int) -> None:
    application = web.Application()
    application.router.add_get("/{service}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", http_port, backlog=1024).start()
    lines = await asyncio.start_server(answer_line, "127.0.0.1", tcp_port, backlog=1024)
    await lines.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(*map(int, sys.argv[1:])))

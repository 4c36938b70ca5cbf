"""
Calls the application itself, one request after the other, with no server in between.

It reads how many seconds to do so from each line of its stdin, and prints the requests a second.
"""

import asyncio
import sys
import time
from typing import Any

from asgi import application

SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/hello/",
    "raw_path": b"/hello/",
    "query_string": b"",
    "headers": [(b"host", b"localhost"), (b"accept", b"*/*"), (b"user-agent", b"benchmark")],
    "client": ("127.0.0.1", 40000),
    "server": ("127.0.0.1", 8000),
}


async def request() -> None:
    """Send one request, as a server does: the body at once, then nothing until it is answered."""
    messages = [{"type": "http.request", "body": b"", "more_body": False}]
    answered = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"answered with {message['status']}")
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    await application(dict(SCOPE), receive, send)


async def main() -> None:
    """Measure the given number of times."""
    for line in sys.stdin:
        answered, started = 0, time.perf_counter()
        until = started + float(line)
        while time.perf_counter() < until:
            await request()
            answered += 1
        print(answered / (time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    asyncio.run(main())

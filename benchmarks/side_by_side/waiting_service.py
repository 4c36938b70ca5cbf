"""
Another service that takes 100 ms to answer: ``python waiting_service.py PORT``.

It uses little CPU time, which it takes from the servers that wait for it.
"""

import asyncio
import sys

import httptools
import uvloop

THINKS_FOR_S = 0.1
BODY = b'{"carrier": "Tortoise & Sons", "price": "9.99", "origin": "Whitby"}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY


class Waiting(asyncio.Protocol):
    """Responds to each request of one connection alike."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        asyncio.get_running_loop().call_later(THINKS_FOR_S, self.answer)

    def answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(
        Waiting, "127.0.0.1", port, backlog=2048
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))

"""Clients with open connections, which record how they ended."""

import asyncio
import time
from dataclasses import dataclass, field

from websockets.asyncio.client import unix_connect
from websockets.exceptions import ConnectionClosed


@dataclass
class Socket:
    """A WebSocket: what it received, how and when it was closed."""

    socket: str
    path: str
    heard: list[str] = field(default_factory=list)
    code: int | None = None
    reason: str = ""
    closed_at: float = 0.0

    async def open(self) -> None:
        self.connection = await unix_connect(self.socket, f"ws://test{self.path}")

    async def until_closed(self) -> None:
        try:
            while True:
                self.heard.append(await self.connection.recv())
        except ConnectionClosed:
            self.closed_at = time.monotonic()
            self.code, self.reason = self.connection.close_code, self.connection.close_reason


@dataclass
class Response:
    """A request whose response may have no end: the body with its framing, and when it ended."""

    socket: str
    target: str
    body: bytes = b""
    ended_at: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether it ended as a chunked body ends."""
        return self.body.endswith(b"0\r\n\r\n")

    async def open(self) -> None:
        """Send the request, and wait until the body has begun."""
        await self.ask()
        await self.reader.readuntil(b"\r\n\r\n")
        self.body = await self.reader.readline()

    async def ask(self) -> None:
        self.reader, self.writer = await asyncio.open_unix_connection(self.socket)
        request = f"GET {self.target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
        self.writer.write(request.encode())
        await self.writer.drain()

    async def until_ended(self) -> None:
        try:
            while not self.is_whole and (part := await self.reader.read(65536)):
                self.body += part
        except ConnectionError:
            pass
        self.ended_at = time.monotonic()
        self.writer.close()

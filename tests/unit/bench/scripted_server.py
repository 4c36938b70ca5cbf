"""Tiny servers with scripted responses, and a load on them as the driver makes it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvloop

from django_tandem.bench.http_load import HttpLoad, drive
from django_tandem.bench.workload import Workload

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Client:
    """One connection, on the server's side."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: "Server"

    async def received(self) -> bool:
        """Wait for a request and record it; False when the connection ends."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            body = await self.reader.readexactly(_length(head))
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        self.server.requests.append(head + body)
        return True


Script = Callable[[Client], Awaitable[None]]


@dataclass
class Server:
    """What a server has received."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


def responding(answer: bytes, *, times: int | None = None) -> Script:
    """Send each request the same response; after ``times``, close the connection."""

    async def script(client: Client) -> None:
        sent = 0
        while sent != times and await client.received():
            client.writer.write(answer)
            sent += 1

    return script


@asynccontextmanager
async def serving_script(script: Script) -> AsyncIterator[Server]:
    """Serve ``script`` for the length of the block."""
    server = Server()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            await script(Client(reader, writer, server))
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def load_against(
    script: Script, *, seconds: float = 0.2, connections: int = 1, **workload: Any
) -> tuple[HttpLoad, Server]:
    """Drive a load against a server of ``script``; return both after it."""

    async def run() -> tuple[HttpLoad, Server]:
        async with serving_script(script) as server:
            load = load_on(server.port, seconds, **workload)
            await drive(load, connections)
            return load, server

    return uvloop.run(run())


def load_on(port: int, seconds: float = 0.2, **fields: Any) -> HttpLoad:
    workload = Workload(**{"name": "it", "path": "/", **fields})
    return HttpLoad(f"http://127.0.0.1:{port}", workload, seconds)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0

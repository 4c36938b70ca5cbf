"""Tiny servers that answer by a script, and a load that asks them as the driver does."""

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
    """One connection, as the server has it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: "Server"

    async def asked(self) -> bool:
        """Wait for a request, which the server keeps; False when there comes none."""
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
    """What a server has seen."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


def saying(answer: bytes, *, times: int | None = None) -> Script:
    """Answer each request alike; after so many, end the connection."""

    async def script(client: Client) -> None:
        said = 0
        while said != times and await client.asked():
            client.writer.write(answer)
            said += 1

    return script


@asynccontextmanager
async def answering(script: Script) -> AsyncIterator[Server]:
    """Serve by ``script`` until the end of the block."""
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


def asked_of(
    script: Script, *, seconds: float = 0.2, connections: int = 1, **workload: Any
) -> tuple[HttpLoad, Server]:
    """Drive a load against a server that answers by ``script``; return both after it."""

    async def run() -> tuple[HttpLoad, Server]:
        async with answering(script) as server:
            load = load_on(server.port, seconds, **workload)
            await drive(load, connections)
            return load, server

    return uvloop.run(run())


def load_on(port: int, seconds: float = 0.2, **workload: Any) -> HttpLoad:
    asked = Workload(**{"name": "it", "path": "/", **workload})
    return HttpLoad(f"http://127.0.0.1:{port}", asked, seconds)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0

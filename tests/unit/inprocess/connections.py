"""WebSockets and streams that are open, without a server."""

import asyncio
import time

from inprocess.calling import http, websocket

DEADLINE_S = 10


class Open:
    """One connection: what the application sent, and when; what the server sends to it."""

    def __init__(self, application, scope, *received):
        self.incoming = asyncio.Queue()
        self.sent = []
        self.sent_at = []
        for message in received:
            self.incoming.put_nowait(message)
        self.task = asyncio.ensure_future(application(scope, self.receive, self.send))

    async def receive(self):
        return await self.incoming.get()

    async def send(self, message):
        self.sent.append(message)
        self.sent_at.append(time.monotonic())

    @property
    def kinds(self):
        return [message["type"].rpartition(".")[2] for message in self.sent]

    async def until(self, is_so):
        """Wait until it is so."""
        until = time.monotonic() + DEADLINE_S
        while not is_so():
            assert time.monotonic() < until, self.sent
            await asyncio.sleep(0.005)

    async def until_sent(self, kind):
        await self.until(lambda: kind in self.kinds)

    async def ended(self):
        return await asyncio.wait_for(self.task, DEADLINE_S)


class Slow(Open):
    """A client whose server has each sender wait a moment."""

    async def send(self, message):
        await super().send(message)
        await asyncio.sleep(0.001)


class Unpaced:
    """It repeats a message for as long as it may, and is slowed down by its client alone."""

    LIMIT = 100_000

    def __init__(self, start, repeated):
        self.start = start
        self.repeated = repeated

    async def __call__(self, _scope, receive, send):
        await receive()
        await send(self.start)
        for _ in range(self.LIMIT):
            await send(self.repeated)
        raise AssertionError("It was neither slowed down nor cancelled.")


async def open_socket(application, *, connection=Open, **changes):
    """Open a WebSocket, and wait until it is accepted."""
    opened = connection(application, websocket(**changes), {"type": "websocket.connect"})
    await opened.until_sent("accept")
    return opened


async def open_stream(application, *, connection=Open, **changes):
    """Send a request, and wait for the first part of the body."""
    opened = connection(application, http(**changes), {"type": "http.request", "body": b""})
    await opened.until_sent("body")
    return opened

"""The configuration that Hypercorn reads: what has no option on its command line."""

import asyncio
import signal
from typing import Any

from hypercorn.config import Config
from hypercorn.logging import Logger
from hypercorn.protocol import h11
from hypercorn.protocol.events import Event
from hypercorn.protocol.ws_stream import WSStream

from django_tandem import fingerprints

PINGS = (
    "hypercorn.protocol.ws_stream.WSStream.handle",
    "hypercorn.protocol.ws_stream.WSStream._send_pings",
    "hypercorn.protocol.h11.H11Protocol._create_stream",
)


class WorkerLogger(Logger):
    """Hypercorn's own logger: the first object that each worker creates."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        # The parent ends its workers by other means, but sends SIGTERM to those that still run
        # when the first one has ended. Only one of several workers has its default handler.
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


class PromptWebSocket(WSStream):
    """A WebSocket whose ping task ends with it, instead of delaying the shutdown."""

    pings: asyncio.Task[None] | None = None

    async def handle(self, event: Event) -> None:
        """Cancel the pings when the client has left."""
        await super().handle(event)
        if self.closed and self.pings is not None:
            self.pings.cancel()

    async def _send_pings(self) -> None:
        self.pings = asyncio.current_task()
        await super()._send_pings()


if fingerprints.are_known(PINGS, otherwise="A shutdown takes up to 20 s after a WebSocket."):
    # There is no setting for it.
    h11.__dict__["WSStream"] = PromptWebSocket

logger_class: type[Any] = WorkerLogger
worker_class = "uvloop"
include_server_header = False
# The edge accepts 128 kB of headers, eight times the default.
h11_max_incomplete_size = 160 * 1024

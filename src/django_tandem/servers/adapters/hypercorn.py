"""The configuration that Hypercorn reads: what has no switch on its command line."""

import asyncio
import signal
from typing import Any

from hypercorn.config import Config
from hypercorn.logging import Logger
from hypercorn.protocol import h11
from hypercorn.protocol.events import Event
from hypercorn.protocol.ws_stream import WSStream


class WorkerLogger(Logger):
    """Hypercorn's own logger, which is the first that a worker makes."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        # Only one of several workers leaves SIGTERM to the system. They are told to end by other
        # means, but when the first has ended, the parent sends it to those that still answer.
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


class PromptWebSocket(WSStream):
    """A WebSocket whose pings end with it: they sleep on, and hold up the end of the process."""

    pings: asyncio.Task[None] | None = None

    async def handle(self, event: Event) -> None:
        """Stop the pings when the client has gone."""
        await super().handle(event)
        if self.closed and self.pings is not None:
            self.pings.cancel()

    async def _send_pings(self) -> None:
        self.pings = asyncio.current_task()
        await super()._send_pings()


# It has no setting for it.
h11.__dict__["WSStream"] = PromptWebSocket

logger_class: type[Any] = WorkerLogger
worker_class = "uvloop"
include_server_header = False
# The edge lets 64 kB of headers in, four times the default.
h11_max_incomplete_size = 128 * 1024

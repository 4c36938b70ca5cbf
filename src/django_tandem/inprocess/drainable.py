"""What a WebSocket and an event stream have in common: each has a permit, and ends gracefully."""

import asyncio
import contextlib

from django_tandem.handler.protocol import Message, Receive, Send
from django_tandem.inprocess.admission import Permit
from django_tandem.inprocess.application_call import ApplicationCall
from django_tandem.inprocess.connection_counts import ConnectionCounts, CountedRoute
from django_tandem.inprocess.open_connections import OpenConnections
from django_tandem.model import DrainMode

# Makes a client reconnect.
RESTART = 1012
# How long a client that does not read may delay the end of its connection.
UNREAD_S = 2.0


class DrainableConnection:
    """The call of the project, and how the connection ends."""

    # There is one for each WebSocket and each request.
    __slots__ = (
        "_call",
        "_connections",
        "_counted",
        "_counts",
        "_is_ended_by_us",
        "_is_over",
        "_permit",
        "_send",
        "_sending",
        "is_ending",
        "mode",
        "path",
    )
    kind = ""

    def __init__(
        self,
        connections: OpenConnections,
        permit: Permit | None,
        receive: Receive,
        send: Send,
        *,
        counts: ConnectionCounts,
    ) -> None:
        self.mode = DrainMode.SPREAD
        self.is_ending = False
        self.path = ""
        self._connections = connections
        self._permit = permit
        self._counts = counts
        # Among those open by route, as long as it is.
        self._counted: CountedRoute | None = None
        self._call = ApplicationCall(receive)
        self._send = send
        self._sending = asyncio.Lock()
        # Either side has ended it: nothing can be sent any more.
        self._is_over = False
        self._is_ended_by_us = False

    def announce(self, window_s: float) -> None:
        """Do nothing: a view has no event by which it could know."""

    def cancel(self) -> None:
        """Cancel a consumer or a view that does not return."""
        self._call.cancel()

    @property
    def _max_age_s(self) -> float | None:
        return self._permit.max_age_s if self._permit is not None else None

    def _finish(self) -> None:
        """Note that either side has ended it, which releases its permit at once."""
        self._is_over = True
        if self._permit is not None:
            self._permit.release()
        if self._counted is not None:
            self._counted.release()

    async def _send_last(self, message: Message) -> None:
        """Send the message that ends the connection, unless it is over already."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNREAD_S), self._sending:
                if self._is_over:
                    return
                self._is_ended_by_us = True
                self._finish()
                # The client may just have left, for which each server has its own exception.
                with contextlib.suppress(Exception):
                    await self._send_end(message)
        self._is_ended_by_us = True
        self._finish()

    async def _send_end(self, message: Message) -> None:
        await self._send(message)

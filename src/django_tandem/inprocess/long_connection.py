"""
What a WebSocket and a live stream have in common: the call of the project, and a graceful end.
"""

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import cast

from django_tandem.handler.protocol import Message, Receive, Send
from django_tandem.inprocess.admission import Permit
from django_tandem.inprocess.connection_counts import ConnectionCounts, CountedRoute
from django_tandem.inprocess.open_connections import OpenConnections
from django_tandem.model import DrainMode

# Makes a client reconnect.
RESTART = 1012
# How long a client that does not read may delay the end of its connection.
UNREAD_S = 2.0
# Paces a sender after so many of its messages were dropped: no client slows it down any more.
# Before that, a pause could have it cancelled outside a generator, which ends later then.
DROPPED_AT_ONCE = 100
DROPPED_S = 0.01


class ApplicationCall:
    """One call of the project's application, with messages of ours between the server's."""

    # There is one for each request.
    __slots__ = (
        "_dropped",
        "_is_cancelled",
        "_is_server_ignored",
        "_queue",
        "_received",
        "_receivers",
        "_server_receive",
        "_task",
        "_wake_up",
    )

    def __init__(self, receive: Receive) -> None:
        self._server_receive = receive
        self._queue: list[Message] = []
        self._wake_up: asyncio.Event | None = None
        self._received: asyncio.Event | None = None
        # Whether we interrupted each task that awaits the server: a view and its framework may
        # both receive.
        self._receivers: dict[asyncio.Task[None], bool] = {}
        self._is_server_ignored = False
        self._task: asyncio.Task[None] | None = None
        self._is_cancelled = False
        self._dropped = 0

    async def run(self, application: Awaitable[None]) -> None:
        """Await the application; a cancellation of ours does not fail the server's task."""
        self._task = task = current_task()
        before = task.cancelling()
        try:
            await application
        except asyncio.CancelledError:
            if not self._is_cancelled or task.uncancel() > before:
                raise
        finally:
            self._task = None

    def cancel(self) -> None:
        """Cancel the application, wherever it is."""
        if self._task is not None and not self._is_cancelled:
            self._is_cancelled = True
            self._task.cancel()

    def inject(self, message: Message) -> asyncio.Event:
        """Have the application receive ``message`` next; the event is set at its next receive."""
        self._queue.append(message)
        self._received = asyncio.Event()
        self._wake()
        self._interrupt()
        return self._received

    def ignore_server(self) -> None:
        """Receive nothing more from the server: the application waits for what we inject."""
        self._is_server_ignored = True
        self._interrupt()

    def listen_to_server(self) -> None:
        """Receive from the server again."""
        self._is_server_ignored = False
        self._wake()

    async def drop(self) -> None:
        """Let other tasks run after many messages that were dropped."""
        self._dropped += 1
        if self._dropped > DROPPED_AT_ONCE:
            await asyncio.sleep(DROPPED_S)

    async def receive(self) -> Message:
        """Return an injected message if there is one, else the server's next."""
        while not self._queue:
            if self._received is not None:
                self._received.set()
            if self._is_server_ignored:
                self._wake_up = self._wake_up or asyncio.Event()
                await self._wake_up.wait()
            elif message := await self._receive_from_server():
                return message
        return self._queue.pop(0)

    async def _receive_from_server(self) -> Message | None:
        task = current_task()
        before = task.cancelling()
        self._receivers[task] = False
        try:
            return await self._server_receive()
        except asyncio.CancelledError:
            # Either we did not interrupt it, or somebody else cancelled it as well.
            if not self._receivers[task] or task.uncancel() > before:
                raise
            return None
        finally:
            del self._receivers[task]

    def _wake(self) -> None:
        if self._wake_up is not None:
            self._wake_up.set()
            self._wake_up = None

    def _interrupt(self) -> None:
        # To wait for ours and the server's at the same time would cost a task per message.
        for receiver, is_interrupted in self._receivers.items():
            if not is_interrupted:
                self._receivers[receiver] = True
                receiver.cancel()


def current_task() -> asyncio.Task[None]:
    """Return the running task."""
    # Every ASGI server runs an application in one.
    return cast("asyncio.Task[None]", asyncio.current_task())


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
        """Do nothing: a view has no event that could report it."""

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

"""A WebSocket that a drain closes, after the last event that its consumer wants."""

import asyncio
import contextlib

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.inprocess.admission import WEBSOCKET, Permit
from django_tandem.inprocess.blocked_routes import path_of
from django_tandem.inprocess.connection_counts import (
    NO_CODE,
    NO_STATUS,
    NORMAL,
    ROUTE,
    ConnectionCounts,
    CountedRoute,
)
from django_tandem.inprocess.long_connection import RESTART, DrainableConnection, current_task
from django_tandem.inprocess.open_connections import OpenConnections

SCOPE_KEY = "tandem.drain"
# The key of the WebSocket itself, for our patch of Channels' consumers.
CONNECTION_KEY = "tandem.connection"
TRY_AGAIN = 1013
REASONS = {RESTART: "Service restart", TRY_AGAIN: "Try again later"}
# How long a consumer may take for its last event.
LAST_EVENT_S = 2.0


class LastEvent:
    """
    ``scope["tandem.drain"]``: a consumer sets the type of the event that it wants first.

    It gets the event before its WebSocket is closed; where that waits, as the drain begins.
    """

    # A misspelt attribute is an error.
    __slots__ = ("event",)

    def __init__(self) -> None:
        self.event: str | None = None


class DrainableWebSocket(DrainableConnection):
    """One WebSocket, from its accept until its consumer has returned."""

    __slots__ = (
        "_code",
        "_has_disconnected",
        "_is_announced",
        "_is_interrupted",
        "_is_uncounted",
        "_last",
        "sender",
    )
    kind = WEBSOCKET

    def __init__(
        self,
        connections: OpenConnections,
        permit: Permit,
        receive: Receive,
        send: Send,
        *,
        counts: ConnectionCounts,
    ) -> None:
        super().__init__(connections, permit, receive, send, counts=counts)
        self._last = LastEvent()
        self._is_announced = False
        self._code = RESTART
        self._has_disconnected = False
        # Whether it was accepted, and its end is not counted yet.
        self._is_uncounted = False
        # The task whose message is on its way to the server, which may wait for the client.
        self.sender: asyncio.Task[None] | None = None
        self._is_interrupted = False

    async def run(self, application: Application, scope: Scope) -> None:
        """Run the consumer to its end."""
        self.path = path_of(scope)
        self.mode = self._connections.mode_of(self.path)
        # In the same scope: a copy would last as long as the WebSocket.
        scope[SCOPE_KEY], scope[CONNECTION_KEY] = self._last, self
        self._counted = CountedRoute(self._counts.websockets, scope.pop(ROUTE, ""))
        try:
            await self._call.run(application(scope, self._receive, self._send_on))
        finally:
            # The server's connection has both.
            del scope[CONNECTION_KEY]
            try:
                # Also when the consumer returned or failed at its last event.
                if self.is_ending:
                    await self._send_last(self._message("close"))
            finally:
                # In this order: a task that the consumer left behind may still accept.
                self._finish()
                self._count_close(NO_CODE)
                self._connections.remove(self)

    def announce(self, window_s: float) -> None:
        """Give the consumer its event now: the WebSocket stays open until one side closes it."""
        if self._last.event and not self._is_over:
            self._is_announced = True
            self._call.inject({"type": self._last.event, "window_s": window_s})

    async def end(self, window_s: float, code: int = RESTART) -> None:
        """Give the consumer its last event if it wants one, close, and disconnect it."""
        self._code = code
        if self._last.event and not (self._is_over or self._is_announced):
            received = self._call.inject({"type": self._last.event, "window_s": window_s})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(received.wait(), LAST_EVENT_S)
        await self._close_and_disconnect()

    async def _close_and_disconnect(self) -> None:
        await self._send_last(self._message("close"))
        if self._is_ended_by_us and not self._has_disconnected:
            self._call.ignore_server()
            self._call.inject(self._message("disconnect"))

    def close_unread(self) -> bool:
        """
        Close it with 1013: its consumer has more messages than its client reads.

        Return whether it was open. Further messages of the consumer are dropped, and it gets
        the disconnect once the client has read the close, or after UNREAD_S.
        """
        if self._is_over or self.is_ending or not self._is_uncounted:
            return False
        self._code = TRY_AGAIN
        self._is_ended_by_us = True
        self._connections.run_ending(self, self._close_and_disconnect())
        return True

    def interrupt_sender(self) -> None:
        """Drop the message that is on its way after ``close_unread``; its sender continues."""
        if self.sender is not None:
            self._is_interrupted = True
            self.sender.cancel()

    def _message(self, kind: str) -> Message:
        reason = REASONS.get(self._code, "")
        return {"type": f"websocket.{kind}", "code": self._code, "reason": reason}

    async def _receive(self) -> Message:
        message = await self._call.receive()
        if message["type"] == "websocket.disconnect":
            self._has_disconnected = True
            self._finish()
            self._count_close(message.get("code") or NO_STATUS)
        elif message["type"] == "websocket.receive":
            self._counts.received += 1
        return message

    def _count_close(self, code: int) -> None:
        if self._is_uncounted:
            self._is_uncounted = False
            self._counts.count_close(code)

    async def _send_on(self, message: Message) -> None:
        async with self._sending:
            if not self._is_ended_by_us:
                await self._send_interruptibly(message)
                return
        await self._call.drop()

    async def _send_interruptibly(self, message: Message) -> None:
        self.sender = task = current_task()
        before = task.cancelling()
        try:
            await self._send_open(message)
        except asyncio.CancelledError:
            # Either we did not interrupt it, or somebody else cancelled it as well.
            if not self._is_interrupted or task.uncancel() > before:
                raise
        finally:
            self.sender = None

    async def _send_open(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            self._finish()
            try:
                await self._send_end(message)
            finally:
                self._call.listen_to_server()
            return
        await self._send(message)
        if message["type"] == "websocket.send":
            self._counts.sent += 1
        elif message["type"] == "websocket.accept" and not self._is_over:
            self._is_uncounted = True
            self._connections.add(self, self._max_age_s)

    async def _send_end(self, message: Message) -> None:
        self._count_close(message.get("code") or NORMAL)
        # Granian can't send it while it waits for the client's next message.
        self._call.ignore_server()
        await self._send(message)

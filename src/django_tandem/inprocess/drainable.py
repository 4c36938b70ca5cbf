"""WebSockets and event streams, each with its permit, that end gracefully on every server alike."""

import asyncio
import contextlib
from collections.abc import Awaitable

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.inprocess.admission import (
    STREAM,
    WEBSOCKET,
    Admission,
    Permit,
    asks_for_stream,
    denial,
)
from django_tandem.inprocess.application_call import ApplicationCall, current_task
from django_tandem.inprocess.blocked_routes import path_of
from django_tandem.inprocess.connection_counts import (
    DRAINED,
    FAILED,
    FINISHED,
    LEFT,
    NO_CODE,
    NO_STATUS,
    NORMAL,
    REFUSED,
    ROUTE,
    ConnectionCounts,
    CountedRoute,
)
from django_tandem.inprocess.denial import deny, respond
from django_tandem.inprocess.drain_monitor import DrainMonitor
from django_tandem.inprocess.scoreboard import REQUEST, ActiveRequest
from django_tandem.inprocess.streaming import is_live_stream
from django_tandem.model import DrainMode

SCOPE_KEY = "tandem.drain"
# The key of the WebSocket itself, for our patch of Channels' consumers.
CONNECTION_KEY = "tandem.connection"
# 1012 makes a client reconnect.
RESTART, TRY_AGAIN = 1012, 1013
REASONS = {RESTART: "Service restart", TRY_AGAIN: "Try again later"}
LAST_PART = {"type": "http.response.body", "body": b"", "more_body": False}
HTTP_DISCONNECT = {"type": "http.disconnect"}
# How long a consumer may take for its last event.
LAST_EVENT_S = 2.0
# How long a client that does not read may delay the end of its connection.
UNREAD_S = 2.0


class Drain:
    """
    Admits WebSockets and live streams, and ends them when the generation drains.

    Other requests finish.
    """

    def __init__(
        self,
        application: Application,
        monitor: DrainMonitor,
        admission: Admission,
        counts: ConnectionCounts | None = None,
    ) -> None:
        self.application = application
        self.monitor = monitor
        self.admission = admission
        self.counts = counts or ConnectionCounts()

    # Not a coroutine function: its frame would last as long as a WebSocket.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "websocket":
            permit = self.admission.acquire(WEBSOCKET)
            if permit is None:
                return deny(denial(), scope, receive, send)
            connection = DrainableWebSocket(self.monitor, permit, receive, send, counts=self.counts)
            return connection.run(self.application, scope)
        if scope["type"] == "http":
            permit = None
            # Before the view runs, where the client says what it expects.
            if asks_for_stream(scope) and (permit := self.admission.acquire(STREAM)) is None:
                self.counts.stream_ends[REFUSED] += 1
                return deny(denial(), scope, receive, send)
            stream = DrainableStream(
                self.monitor, self.admission, permit, receive, send, counts=self.counts
            )
            return stream.run(self.application, scope)
        return self.application(scope, self._after_clean_up(receive), send)

    def _after_clean_up(self, receive: Receive) -> Receive:
        # Some servers shut down as soon as their connections are closed, although consumers
        # are still cleaning up.
        async def receive_late() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.monitor.wait_for_clean_up()
            return message

        return receive_late


class LastEvent:
    """
    ``scope["tandem.drain"]``: a consumer sets the type of the event that it wants first.

    It gets the event before its WebSocket is closed; where that waits, as the drain begins.
    """

    # A misspelt attribute is an error.
    __slots__ = ("event",)

    def __init__(self) -> None:
        self.event: str | None = None


class DrainableConnection:
    """What a WebSocket and a stream have in common: the call of the project, and how it ends."""

    # There is one for each WebSocket and each request.
    __slots__ = (
        "_call",
        "_counted",
        "_counts",
        "_is_ended_by_us",
        "_is_over",
        "_monitor",
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
        monitor: DrainMonitor,
        permit: Permit | None,
        receive: Receive,
        send: Send,
        *,
        counts: ConnectionCounts,
    ) -> None:
        self.mode = DrainMode.SPREAD
        self.is_ending = False
        self.path = ""
        self._monitor = monitor
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
        monitor: DrainMonitor,
        permit: Permit,
        receive: Receive,
        send: Send,
        *,
        counts: ConnectionCounts,
    ) -> None:
        super().__init__(monitor, permit, receive, send, counts=counts)
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
        self.mode = self._monitor.mode_of(self.path)
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
                self._monitor.remove(self)

    def announce(self, window_s: float) -> None:
        """Give the consumer its event now: the WebSocket stays open until it ends by itself."""
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
            self._call.mute_server()
            self._call.inject(self._message("disconnect"))

    def close_unread(self) -> bool:
        """
        Close it with 1013: its consumer has more messages than its client reads.

        Return whether it was open. What the consumer sends from now on is dropped, and it gets
        the disconnect once the client has read the close, or after UNREAD_S.
        """
        if self._is_over or self.is_ending or not self._is_uncounted:
            return False
        self._code = TRY_AGAIN
        self._is_ended_by_us = True
        self._monitor.run_ending(self, self._close_and_disconnect())
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
                self._call.unmute_server()
            return
        await self._send(message)
        if message["type"] == "websocket.send":
            self._counts.sent += 1
        elif message["type"] == "websocket.accept" and not self._is_over:
            self._is_uncounted = True
            self._monitor.add(self, self._max_age_s)

    async def _send_end(self, message: Message) -> None:
        self._count_close(message.get("code") or NORMAL)
        # Granian can't send it while it waits for the client's next message.
        self._call.mute_server()
        await self._send(message)


class DrainableStream(DrainableConnection):
    """One request, from when its response turns out to be a live stream."""

    __slots__ = ("_admission", "_is_counted", "_is_live", "_is_repeatable", "_request")
    kind = STREAM

    def __init__(
        self,
        monitor: DrainMonitor,
        admission: Admission,
        permit: Permit | None,
        receive: Receive,
        send: Send,
        *,
        counts: ConnectionCounts,
    ) -> None:
        super().__init__(monitor, permit, receive, send, counts=counts)
        self._admission = admission
        self._request: ActiveRequest | None = None
        self._is_counted = self._is_live = self._is_repeatable = False

    async def run(self, application: Application, scope: Scope) -> None:
        """Run the view to its end."""
        # Clients repeat no other method, so that its response must finish.
        self._is_repeatable = scope["method"] == "GET"
        self.path = path_of(scope)
        self.mode = self._monitor.mode_of(self.path)
        self._request = scope.get(REQUEST)
        try:
            await self._call.run(application(scope, self._call.receive, self._send_on))
        except Exception:
            self._count_end(FAILED)
            raise
        finally:
            # In this order: a task that the view left behind may still start its response.
            self._finish()
            self._count_end(LEFT)
            self._monitor.remove(self)

    async def end(self, _window_s: float, _code: int = RESTART) -> None:
        """End the body, and disconnect the view."""
        self._count_end(DRAINED)
        await self._send_last(LAST_PART)
        self._call.inject(HTTP_DISCONNECT)

    async def _send_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
            return
        if not self._is_live:
            await self._send(message)
            return
        async with self._sending:
            if not self._is_over:
                await self._send(message)
                if not message.get("more_body"):
                    self._finish()
                    self._count_end(FINISHED)
                return
        await self._call.drop()

    async def _start(self, message: Message) -> None:
        is_live = is_live_stream(message.get("headers", ()))
        if is_live and not self._is_over and not self._acquire_permit():
            await self._deny()
            return
        await self._send(message)
        if is_live:
            self._is_live = True
            self._count_open()
            if self._is_repeatable and not self._is_over:
                self._monitor.add(self, self._max_age_s)
        elif self._permit is not None:
            self._permit.release()

    def _count_open(self) -> None:
        route = ""
        if self._request is not None:
            self._request.note_long()
            route = self._request.route
        self._counted = CountedRoute(self._counts.streams, route)
        if self._is_over:
            self._counted.release()

    def _count_end(self, outcome: str) -> None:
        """Count how it ended, once, if it is a live stream."""
        if self._is_live and not self._is_counted:
            self._is_counted = True
            self._counts.stream_ends[outcome] += 1

    def _acquire_permit(self) -> bool:
        """Acquire a permit; after its view has run, only what a client may repeat is denied."""
        admission = self._admission
        acquire = admission.acquire if self._is_repeatable else admission.acquire_unbounded
        self._permit = self._permit or acquire(self.kind)
        return self._permit is not None

    async def _deny(self) -> None:
        """Send 503 in place of the stream, and disconnect the view."""
        self._is_live = self._is_ended_by_us = True
        self._finish()
        self._count_end(REFUSED)
        await respond(denial(), self._send)
        self._call.inject(HTTP_DISCONNECT)

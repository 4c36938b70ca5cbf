"""
The ASGI layer that admits WebSockets and live streams, and has them end in a drain.

A WebSocket is in websocket_connection.py, and every HTTP request here.
"""

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
from django_tandem.inprocess.blocked_routes import path_of
from django_tandem.inprocess.connection_counts import (
    DRAINED,
    FAILED,
    FINISHED,
    LEFT,
    REFUSED,
    ConnectionCounts,
    CountedRoute,
)
from django_tandem.inprocess.denial import deny, respond
from django_tandem.inprocess.long_connection import RESTART, DrainableConnection
from django_tandem.inprocess.open_connections import OpenConnections
from django_tandem.inprocess.scoreboard import REQUEST, ActiveRequest
from django_tandem.inprocess.streaming import is_live_stream
from django_tandem.inprocess.websocket_connection import DrainableWebSocket

LAST_PART = {"type": "http.response.body", "body": b"", "more_body": False}
HTTP_DISCONNECT = {"type": "http.disconnect"}


class AsgiConnections:
    """
    Admits WebSockets and live streams, and ends them when the generation drains.

    Other requests finish.
    """

    def __init__(
        self,
        application: Application,
        connections: OpenConnections,
        admission: Admission,
        counts: ConnectionCounts | None = None,
    ) -> None:
        self.application = application
        self.connections = connections
        self.admission = admission
        self.counts = counts or ConnectionCounts()

    # Not a coroutine function: its frame would last as long as a WebSocket.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "websocket":
            permit = self.admission.acquire(WEBSOCKET)
            if permit is None:
                return deny(denial(), scope, receive, send)
            connection = DrainableWebSocket(
                self.connections, permit, receive, send, counts=self.counts
            )
            return connection.run(self.application, scope)
        if scope["type"] == "http":
            permit = None
            # Before the view runs, where the client says what it expects.
            if asks_for_stream(scope) and (permit := self.admission.acquire(STREAM)) is None:
                self.counts.stream_ends[REFUSED] += 1
                return deny(denial(), scope, receive, send)
            stream = DrainableStream(
                self.connections, self.admission, permit, receive, send, counts=self.counts
            )
            return stream.run(self.application, scope)
        return self.application(scope, receive, send)


class DrainableStream(DrainableConnection):
    """One HTTP request, which a drain ends only if its response turns out to be a live stream."""

    __slots__ = ("_admission", "_is_counted", "_is_live", "_is_repeatable", "_request")
    kind = STREAM

    def __init__(
        self,
        connections: OpenConnections,
        admission: Admission,
        permit: Permit | None,
        receive: Receive,
        send: Send,
        *,
        counts: ConnectionCounts,
    ) -> None:
        super().__init__(connections, permit, receive, send, counts=counts)
        self._admission = admission
        self._request: ActiveRequest | None = None
        self._is_counted = self._is_live = self._is_repeatable = False

    async def run(self, application: Application, scope: Scope) -> None:
        """Run the view to its end."""
        # Clients repeat no other method, so that its response must finish.
        self._is_repeatable = scope["method"] == "GET"
        self.path = path_of(scope)
        self.mode = self._connections.mode_of(self.path)
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
            self._connections.remove(self)

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
                self._connections.add(self, self._max_age_s)
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

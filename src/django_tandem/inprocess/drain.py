"""The ASGI layer that admits WebSockets and live streams, and drains them."""

from collections.abc import Awaitable

from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess.admission import (
    STREAM,
    WEBSOCKET,
    Admission,
    asks_for_stream,
    denial,
)
from django_tandem.inprocess.connection_counts import REFUSED, ConnectionCounts
from django_tandem.inprocess.denial import deny
from django_tandem.inprocess.drain_monitor import DrainMonitor
from django_tandem.inprocess.drainable_stream import DrainableStream
from django_tandem.inprocess.drainable_websocket import DrainableWebSocket


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
        return self.application(scope, receive, send)

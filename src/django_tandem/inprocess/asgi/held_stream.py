"""An event stream that is ended in good manners: its client asks again, and lacks nothing."""

import asyncio
import contextlib

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.inprocess.asgi.call import Call
from django_tandem.inprocess.asgi.watch import Watch

# What has no end of its own. Any other response would look complete, and not be.
LIVE = (
    b"text/event-stream",
    b"multipart/x-mixed-replace",
    b"application/x-ndjson",
    b"application/json-seq",
    b"application/stream+json",
)
MARKS_OF_A_FILE = (b"content-length", b"content-disposition")
LAST = {"type": "http.response.body", "body": b"", "more_body": False}
DISCONNECT = {"type": "http.disconnect"}
# How long a client that does not read may hold up its own goodbye.
STUCK_S = 2.0


class HeldStream:
    """One request, held from when its response turns out to be a live stream."""

    kind = "stream"

    def __init__(self, watch: Watch, receive: Receive, send: Send) -> None:
        self.is_ending = False
        self._watch = watch
        self._call = Call(receive)
        self._send = send
        self._sending = asyncio.Lock()
        self._is_live = False
        self._is_over = False

    async def run(self, application: Application, scope: Scope) -> None:
        """Run the view to its end."""
        # What another method asked for is not asked again: it is a response like any.
        send = self._send_on if scope["method"] == "GET" else self._send
        try:
            await self._call.run(application(scope, self._call.receive, send))
        finally:
            self._watch.release(self)
            self._is_over = True

    async def end(self, _window_s: float) -> None:
        """End the body, and tell the view that its client has gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STUCK_S), self._sending:
                if not self._is_over:
                    self._is_over = True
                    with contextlib.suppress(Exception):
                        await self._send(LAST)
        self._is_over = True
        self._call.say(DISCONNECT)

    def cancel(self) -> None:
        """Cancel a view that does not return."""
        self._call.cancel()

    async def _send_on(self, message: Message) -> None:
        if not self._is_live:
            await self._send(message)
            self._is_live = message["type"] == "http.response.start" and is_live(message)
            if self._is_live:
                self._watch.hold(self)
            return
        async with self._sending:
            if not self._is_over:
                await self._send(message)
                self._is_over = not message.get("more_body")


def is_live(start: Message) -> bool:
    """Return whether the response that starts has no end of its own."""
    headers = start.get("headers", ())
    if not any(
        value.lower().startswith(LIVE) for name, value in headers if name.lower() == b"content-type"
    ):
        return False
    # A file to keep may well be of such a type.
    return not any(name.lower() in MARKS_OF_A_FILE for name, _ in headers)

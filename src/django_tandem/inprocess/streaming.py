"""Live streams: which responses they are, and that the edge passes each part on at once."""

from collections.abc import Iterable

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send

BUFFERING = b"x-accel-buffering"
# Types of responses without an end. Cut short, any other response would look complete.
LIVE_TYPES = (
    b"text/event-stream",
    b"multipart/x-mixed-replace",
    b"application/x-ndjson",
    b"application/json-seq",
    b"application/stream+json",
)
FILE_HEADERS = frozenset({b"content-length", b"content-disposition"})


class UnbufferedStreams:
    """Adds `X-Accel-Buffering: no` to event streams that do not set it themselves."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return

        async def send_unbuffered(message: Message) -> None:
            if message["type"] == "http.response.start" and is_event_stream(message):
                message = {**message, "headers": [*message["headers"], (BUFFERING, b"no")]}
            await send(message)

        await self.application(scope, receive, send_unbuffered)


def is_event_stream(message: Message) -> bool:
    """Return whether an event stream starts that sets no buffering itself."""
    headers = {bytes(name).lower(): bytes(value) for name, value in message.get("headers", ())}
    kind = headers.get(b"content-type", b"").lower()
    return kind.startswith(b"text/event-stream") and BUFFERING not in headers


def is_live_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether the headers are those of a response without an end."""
    known = {bytes(name).lower(): bytes(value).lower() for name, value in headers}
    # A file to save may be of such a type.
    return known.get(b"content-type", b"").startswith(LIVE_TYPES) and not FILE_HEADERS & set(known)

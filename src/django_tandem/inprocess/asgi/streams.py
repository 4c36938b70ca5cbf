"""Tells the edge not to hold back the events of an event stream."""

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send

BUFFERING = b"x-accel-buffering"


class Streams:
    """Adds `X-Accel-Buffering: no` to event streams that do not say it themselves."""

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
    """Return whether an event stream starts that says nothing of buffering."""
    headers = {bytes(name).lower(): bytes(value) for name, value in message.get("headers", ())}
    kind = headers.get(b"content-type", b"").lower()
    return kind.startswith(b"text/event-stream") and BUFFERING not in headers

"""Answers whether this server is ready, to whoever asks its socket directly."""

from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess.forwarded import EDGE_HEADER, READY_PATH

EDGE_NAME = EDGE_HEADER.encode()


class Ready:
    """Answers the readiness question itself; the edge's requests pass it by."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_question(scope):
            await self.application(scope, receive, send)
            return
        await (shake_hands if scope["type"] == "websocket" else answer)(receive, send)


async def answer(_receive: Receive, send: Send) -> None:
    """Answer a request."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ready"})


async def shake_hands(receive: Receive, send: Send) -> None:
    """Accept a WebSocket, which proves that the server can, and close it."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 1000})


def is_question(scope: Scope) -> bool:
    """Return whether a request or handshake asks for it, and did not come through the edge."""
    return (
        scope["type"] in ("http", "websocket")
        and scope["path"] == READY_PATH
        and not any(name.lower() == EDGE_NAME for name, _ in scope["headers"])
    )

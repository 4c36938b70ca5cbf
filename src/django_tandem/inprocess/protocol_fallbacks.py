"""Rejects a WebSocket that the project has no route for, in the handshake."""

import logging
from contextvars import ContextVar

from django.urls.exceptions import Resolver404

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send

logger = logging.getLogger("django_tandem.asgi")

# Whether the handshake of the current task was answered by an HTTP response.
_is_denied: ContextVar[bool] = ContextVar("is_denied", default=False)

DENIAL = "websocket.http.response"
# Channels' URLRouter and ProtocolTypeRouter, and Django itself, raise a plain ValueError.
NO_ROUTE = (
    "No route found for path",
    "No application configured for scope type",
    "Django can only handle ASGI/HTTP connections",
)


class WebSocketNotFound:
    """Answers "no route" with 404 where the server can send one, else with its own denial."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.application(scope, receive, send)
            return
        has_sent = False

        async def send_noted(message: Message) -> None:
            nonlocal has_sent
            has_sent = True
            if message["type"] == f"{DENIAL}.start":
                _is_denied.set(True)
            await send(message)

        try:
            await self.application(scope, receive, send_noted)
        except (ValueError, Resolver404) as error:
            if has_sent or not is_no_route(error):
                raise
            # Escaped, as anybody can send a path with a line break in it.
            path = scope["path"].encode("unicode_escape").decode("ascii")
            logger.warning("WebSocket %s rejected: no route matches.", path)
            await _reject(scope, send_noted)


def is_no_route(error: Exception) -> bool:
    """Return whether the project raised that it has no route for the path."""
    return isinstance(error, Resolver404) or str(error).startswith(NO_ROUTE)


async def _reject(scope: Scope, send: Send) -> None:
    # A server without the extension turns a close before the accept into a 403.
    if DENIAL not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 4404})
        return
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"9")]
    await send({"type": f"{DENIAL}.start", "status": 404, "headers": headers})
    await send({"type": f"{DENIAL}.body", "body": b"Not Found"})


def drop_uvicorns_errors() -> None:
    """Drop the error that Uvicorn logs for each handshake that an HTTP response answered."""
    # It expects an accept or a close (websockets_sansio_impl.py, run_asgi).
    logging.getLogger("uvicorn.error").addFilter(_is_no_denial)


def _is_no_denial(record: logging.LogRecord) -> bool:
    is_complaint = record.msg == "ASGI callable returned without completing handshake."
    return not (is_complaint and _is_denied.get())

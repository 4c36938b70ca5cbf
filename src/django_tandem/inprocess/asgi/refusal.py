"""Refuses a WebSocket that the project has no route for, in the handshake."""

import logging

from django.urls.exceptions import Resolver404

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send

logger = logging.getLogger("django_tandem.asgi")

RESPONSE = "websocket.http.response"
# Channels' URLRouter and ProtocolTypeRouter, and Django itself, have no type for it.
NO_ROUTE = (
    "No route found for path",
    "No application configured for scope type",
    "Django can only handle ASGI/HTTP connections",
)


class Refusal:
    """Turns "no route" into a 404 where the server can send one, else into its own refusal."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.application(scope, receive, send)
            return
        answered = False

        async def send_noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.application(scope, receive, send_noted)
        except (ValueError, Resolver404) as error:
            if answered or not is_no_route(error):
                raise
            logger.warning("WebSocket %s refused: nothing is routed there.", scope["path"])
            await refuse(scope, send)


def is_no_route(error: Exception) -> bool:
    """Return whether the project said that it has no route for the path."""
    return isinstance(error, Resolver404) or str(error).startswith(NO_ROUTE)


async def refuse(scope: Scope, send: Send) -> None:
    """Answer the handshake with 404, or close before accepting: servers make that a 403."""
    if RESPONSE not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 4404})
        return
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"9")]
    await send({"type": f"{RESPONSE}.start", "status": 404, "headers": headers})
    await send({"type": f"{RESPONSE}.body", "body": b"Not Found"})

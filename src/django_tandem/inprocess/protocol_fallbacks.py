"""Answers the connections that the project's ASGI application has no route for."""

import functools
import logging
from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.urls.exceptions import Resolver404

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.inprocess.denial import DENIAL, Denial, deny_handshake, note_denial

logger = logging.getLogger("django_tandem.asgi")

_DENIAL_START = f"{DENIAL}.start"
# Raised by Channels' ProtocolTypeRouter.
NO_HTTP = "No application configured for scope type 'http'"
# Channels' URLRouter and ProtocolTypeRouter, and Django itself, raise a plain ValueError.
NO_WEBSOCKET = (
    "No route found for path",
    "No application configured for scope type",
    "Django can only handle ASGI/HTTP connections",
)


class ProtocolFallbacks:
    """
    Serves HTTP by Django, rejects a WebSocket with 404, and completes the lifespan.

    Each only where the project has neither answered nor failed. ``make_http`` makes
    Django's application, once it is needed. With ``is_http_only`` the project is Django's handler,
    which is not called for the others: Sentry would report its error at the start of each worker.
    """

    def __init__(
        self,
        application: Application,
        make_http: Callable[[], Application],
        *,
        is_http_only: bool = False,
    ) -> None:
        self.application = application
        self.http = functools.cache(make_http)
        self.is_http_only = is_http_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_lifespan = scope["type"] == "lifespan"
        noted = NotedMessages(receive, send)
        if self.is_http_only and scope["type"] != "http":
            await self._serve_fallback(scope, receive, noted.send)
            return
        try:
            if is_lifespan:
                await self.application(scope, noted.receive, send)
            else:
                await self.application(scope, receive, noted.send)
        except Exception as error:
            if noted.has_begun or not is_unrouted(scope, error):
                raise
        else:
            # Some ignore a lifespan that they do not implement.
            if noted.has_begun or not is_lifespan:
                return
        await self._serve_fallback(scope, receive, noted.send)

    async def _serve_fallback(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.http()(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _complete_lifespan(receive, send)
        else:
            await _deny_unrouted(scope, send)


class NotedMessages:
    """The messages of one connection, and whether the project has received or sent one."""

    __slots__ = ("_receive", "_send", "has_begun")

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.has_begun = False

    async def receive(self) -> Message:
        """Return the server's next message."""
        self.has_begun = True
        return await self._receive()

    # For those who look before they call it: Channels' async_to_sync warns of any other function.
    @markcoroutinefunction
    def send(self, message: Message) -> Awaitable[None]:
        """Send the message to the server."""
        self.has_begun = True
        if message["type"] == _DENIAL_START:
            note_denial()
        return self._send(message)


def is_unrouted(scope: Scope, error: Exception) -> bool:
    """Return whether the project raised that it has no route for the connection."""
    if scope["type"] == "websocket":
        is_missing = isinstance(error, ValueError) and str(error).startswith(NO_WEBSOCKET)
        return is_missing or isinstance(error, Resolver404)
    if scope["type"] == "http":
        return isinstance(error, ValueError) and str(error) == NO_HTTP
    # Nothing fails in a lifespan before it has received the startup.
    return bool(scope["type"] == "lifespan")


async def _deny_unrouted(scope: Scope, send: Send) -> None:
    # Escaped, as anybody can send a path with a line break in it.
    path = scope["path"].encode("unicode_escape").decode("ascii")
    logger.warning("WebSocket %s rejected: no route matches.", path)
    await deny_handshake(Denial(status=404, close_code=4404), scope, send)


async def _complete_lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return

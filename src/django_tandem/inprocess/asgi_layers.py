"""
The project's ASGI application, and what is put around it in each process that serves it.

A request passes these layers from the first to the last, each where this process needs it:

- AsgiDirectGateway or AsgiPeerTrust: who may send requests to this process
- AsgiLifespan, AsgiReadiness: the start and end of the process, and the check of its health
- AsgiScoreboard, AsgiRequestId: what is measured, and under which id it is logged
- AsgiProxyHeaders: the client and the path as the project gets them
- AsgiBlockedRoutes, AsgiConnections: what is rejected, and what a drain ends
- AsgiHandover: what the other stack serves
- tracing.with_spans, ProtocolFallbacks, ParallelConsumers, with_static_files: the project's own

The layers that WSGI has too (wsgi_layers.py) are in the same order.
"""

import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, cast

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.utils.module_loading import import_string

from django_tandem import environment
from django_tandem.asgi import get_asgi_application
from django_tandem.handler.application import DjangoApplication, should_serve
from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.handler.switching import ParallelConsumers
from django_tandem.inprocess import (
    admission,
    channel_layers,
    direct_gateway,
    handover_counts,
    open_connections,
    peer_trust,
    routed_request,
    telemetry,
    tracing,
)
from django_tandem.inprocess.asgi_connections import AsgiConnections
from django_tandem.inprocess.blocked_routes import AsgiBlockedRoutes
from django_tandem.inprocess.connection_counts import ConnectionCounts
from django_tandem.inprocess.debug_static_files import with_static_files
from django_tandem.inprocess.denial import drop_uvicorns_errors
from django_tandem.inprocess.direct_gateway import AsgiDirectGateway
from django_tandem.inprocess.handler_choice import (
    count_threads,
    handler_name,
    new_handler,
    with_our_handler,
)
from django_tandem.inprocess.handover import AsgiHandover
from django_tandem.inprocess.handover_counts import HandoverCounter
from django_tandem.inprocess.manage_py import run_named_manage_py
from django_tandem.inprocess.peer_trust import AsgiPeerTrust
from django_tandem.inprocess.policy import read_pins
from django_tandem.inprocess.protocol_fallbacks import ProtocolFallbacks
from django_tandem.inprocess.proxy_headers import AsgiProxyHeaders
from django_tandem.inprocess.readiness import AsgiReadiness
from django_tandem.inprocess.request_id import AsgiRequestId
from django_tandem.inprocess.scoreboard import Scoreboard
from django_tandem.inprocess.scoreboard_layers import AsgiScoreboard, scoreboard_of
from django_tandem.inprocess.streaming import stream_sync_iterators
from django_tandem.inprocess.urlconf import import_urlconf
from django_tandem.model import Stack
from django_tandem.model.scoreboard import OURS


def load_asgi() -> Application:
    """Return the application that the environment names, with our handler; else our own."""
    # Before the project is loaded, as it applies to handlers that are made from then on.
    if routed_request.is_needed():
        routed_request.install(read_pins())
    stream_sync_iterators()
    drop_uvicorns_errors()
    dotted = os.environ.get(environment.ASGI_APPLICATION)
    if not dotted:
        run_named_manage_py()
    application: Any = with_our_handler(import_string(dotted)) if dotted else get_asgi_application()
    import_urlconf()
    # Channels' routers are untyped.
    return cast(Application, application)


def add_asgi_layers(project: Application) -> Application:
    """
    Return the loaded project in the layers of ASGI, which belong to one process.

    The code begins with the innermost, the last in this module's list.
    """
    channel_layers.install_reconnecting()
    _extend_consumers()
    application: Application = with_static_files(project, Stack.ASGI)
    if should_serve():
        application = ParallelConsumers(application)
    admitting, counts = admission.from_environment(), ConnectionCounts()
    # A class of the project's may serve WebSockets too.
    is_django = type(project) in (ASGIHandler, DjangoApplication)
    application = ProtocolFallbacks(application, new_handler, is_http_only=is_django)
    application = tracing.with_spans(application)
    counter = handover_counts.from_environment()
    if routed_request.is_needed():
        application = AsgiHandover(application, counter)
    if connections := open_connections.of_process():
        application = AsgiConnections(application, connections, admitting, counts)
        application = AsgiBlockedRoutes(application, connections.blocked)
    # Outside AsgiBlockedRoutes and AsgiConnections, which take the path as the project gets it.
    application = AsgiRequestId(AsgiProxyHeaders(application, settings.FORCE_SCRIPT_NAME or ""))
    board = _scoreboard(admitting, counts)
    if board is not None:
        application = AsgiScoreboard(application, board)
    application = AsgiLifespan(
        AsgiReadiness(application),
        begin=board.start_on_loop if board is not None else None,
        before_shutdown=connections.wait_for_clean_up if connections is not None else None,
        at_end=tuple(_at_end(counter, board)),
    )
    application = as_coroutine_function(application)
    if direct_gateway.is_enabled():
        return AsgiDirectGateway(application, settings.FORCE_SCRIPT_NAME or "")
    secret = peer_trust.from_environment()
    return application if secret is None else AsgiPeerTrust(application, secret)


def _extend_consumers() -> None:
    if "channels.consumer" in sys.modules:
        # It imports Channels, which most projects don't.
        import_module("django_tandem.inprocess.consumers").install()


def _scoreboard(admitting: admission.Admission, counts: ConnectionCounts) -> Scoreboard | None:
    handler = handler_name()
    return scoreboard_of(
        Stack.ASGI,
        lambda: {**counts.details(), **_details(handler), "refused": admitting.refused},
        # Django's own handler uses threads that are not known here.
        knows_cpu=handler == OURS,
    )


def _at_end(
    counter: HandoverCounter | None, board: Scoreboard | None
) -> Iterator[Callable[[], None]]:
    if telemetry.is_wanted():
        yield telemetry.flush
    if counter is not None:
        yield counter.write
    if board is not None:
        yield board.remove


def as_coroutine_function(application: Application) -> Application:
    """Return one that a server recognizes as ASGI 3: Daphne and Hypercorn check only that."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await application(scope, receive, send)

    return call


def _details(handler: str) -> dict[str, object]:
    return {"handler": handler, "threads": count_threads() or None}


class AsgiLifespan:
    """
    Calls ``begin`` with each scope, as some servers have no lifespan.

    A shutdown reaches the project after ``before_shutdown``, and each of ``at_end`` runs once the
    project has shut down. Some servers end by a signal once the lifespan is complete, and the exit
    handlers don't run then: so all of that runs before the server has the last message.
    """

    def __init__(
        self,
        application: Application,
        *,
        begin: Callable[[], None] | None = None,
        before_shutdown: Callable[[], Awaitable[None]] | None = None,
        at_end: Sequence[Callable[[], None]] = (),
    ) -> None:
        self.application = application
        self._begin = begin
        self._before_shutdown = before_shutdown
        self._at_end = at_end

    # Not a coroutine function: its frame would last as long as a WebSocket.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if self._begin is not None:
            self._begin()
        if scope["type"] == "lifespan":
            return self._live(scope, receive, send)
        return self.application(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        remaining: Sequence[Callable[[], None]] = ()

        def end() -> None:
            nonlocal remaining
            due, remaining = remaining, ()
            for each in due:
                each()

        async def receive_shutdown() -> Message:
            nonlocal remaining
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                if self._before_shutdown is not None:
                    await self._before_shutdown()
                remaining = self._at_end
            return message

        async def send_last(message: Message) -> None:
            end()
            await send(message)

        try:
            await self.application(scope, receive_shutdown, send_last)
        finally:
            end()

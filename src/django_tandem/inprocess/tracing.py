"""
The spans of requests and WebSockets, where telemetry.py starts OpenTelemetry's SDK.

On WSGI they are those of OpenTelemetry's middleware for Django. On ASGI that one would hold a
thread for each async view, so there OpenTelemetry's ASGI middleware makes them, and the names are
those of the other stack: by the route.
"""

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any, cast

from django.core.handlers.base import BaseHandler
from django.core.signals import got_request_exception
from django.http import HttpRequest

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.inprocess import access_log, telemetry
from django_tandem.inprocess.routed_request import ROUTED_REQUEST

_INSTALLED = "_tandem_tracing"
WEBSOCKET = "websocket"


def _is_wanted() -> bool:
    """Return whether the spans of requests are ours to make."""
    if not telemetry.is_wanted():
        return False
    from opentelemetry.instrumentation.django import DjangoInstrumentor  # noqa: PLC0415 - an extra

    is_instrumented = DjangoInstrumentor().is_instrumented_by_opentelemetry
    is_disabled = not telemetry.disabled_instrumentations().isdisjoint({"django", "*"})
    return not (is_instrumented or is_disabled or telemetry.is_left_to_project())


def install() -> None:
    """
    Have each WSGI handler that Django makes load OpenTelemetry's middleware, if wanted.

    Not before: the module of the project that makes the handler may start OpenTelemetry first.
    """
    load_middleware = BaseHandler.load_middleware
    if hasattr(load_middleware, _INSTALLED):
        return

    # With the mark of handover.py, which would install itself again.
    @functools.wraps(load_middleware)
    def load_with_spans(handler: Any, is_async: bool = False) -> None:  # noqa: FBT001, FBT002
        with contextlib.nullcontext() if is_async else _django_middleware():
            load_middleware(handler, is_async=is_async)

    setattr(load_with_spans, _INSTALLED, True)
    BaseHandler.load_middleware = load_with_spans  # type: ignore[method-assign,assignment]


@contextlib.contextmanager
def _django_middleware() -> Iterator[None]:
    """Have OpenTelemetry's middleware in the settings, where a handler of ASGI must not find it."""
    if not _is_wanted():
        yield
        return
    from opentelemetry.instrumentation.django import DjangoInstrumentor  # noqa: PLC0415 - an extra

    instrumentor = DjangoInstrumentor()
    instrumentor.instrument(request_hook=_describe_request, skip_dep_check=True)
    try:
        yield
    finally:
        instrumentor.uninstrument()
    telemetry.undo_if_left(_make_no_spans)


def _make_no_spans() -> None:
    """Have the middleware that handlers have loaded pass every request on."""
    from opentelemetry.instrumentation.django import DjangoInstrumentor  # noqa: PLC0415 - an extra

    instrumentor = DjangoInstrumentor()
    if not instrumentor.is_instrumented_by_opentelemetry:
        # The patterns belong to the class of the middleware, and not to the settings.
        instrumentor.instrument(excluded_urls=".*", skip_dep_check=True)
        instrumentor.uninstrument()


def _describe_request(span: Any, request: HttpRequest) -> None:
    _describe(span, request.headers.get("x-request-id"), request.headers.get("x-request-start"))


def _describe(span: Any, request_id: str | None, start: str | None) -> None:
    """Add the id in the edge's access log, and the seconds that the request waited."""
    if request_id:
        span.set_attribute("tandem.request_id", request_id)
    queued_s = access_log.queued_s(start or "")
    if queued_s is not None:
        span.set_attribute("tandem.queue_s", queued_s)


def with_spans(application: Application) -> Application:
    """Return the ASGI application with a span for each request and WebSocket, if wanted."""
    if not _is_wanted():
        return application
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware  # noqa: PLC0415
    from opentelemetry.util.http import get_excluded_urls  # noqa: PLC0415

    got_request_exception.connect(_record_exception, dispatch_uid="tandem.tracing")
    traced: Any = OpenTelemetryMiddleware(
        NamedSpans(application),
        excluded_urls=get_excluded_urls("DJANGO"),
        default_span_details=_first_details,
        server_request_hook=_describe_scope,
        # A span for each message would be most of the trace.
        exclude_spans=["receive", "send"],
    )
    return cast(Application, traced)


def _first_details(scope: Scope) -> tuple[str, dict[str, str]]:
    """Return the name of a span before its route is known, and no further attributes."""
    return (scope["method"] if scope["type"] == "http" else WEBSOCKET), {}


def _describe_scope(span: Any, scope: Scope) -> None:
    headers = {bytes(name): bytes(value).decode("latin-1") for name, value in scope["headers"]}
    _describe(span, headers.get(b"x-request-id"), headers.get(b"x-request-start"))


def _record_exception(request: HttpRequest | None = None, **_: object) -> None:
    # On WSGI, the middleware does it.
    error = sys.exc_info()[1]
    if error is not None and hasattr(request, "scope"):
        from opentelemetry import trace  # noqa: PLC0415 - an extra

        trace.get_current_span().record_exception(error)


class NamedSpans:
    """Names the span of a request by its method and route once Django has resolved it."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        routed = scope.get(ROUTED_REQUEST)
        if routed is None:
            await self.application(scope, receive, send)
            return
        from opentelemetry import trace  # noqa: PLC0415 - an extra

        span = trace.get_current_span()

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start" and routed.match is not None:
                route = routed.match.route
                span.update_name(f"{scope['method']} {route}" if route else scope["method"])
                span.set_attribute("http.route", route)
            await send(message)

        await self.application(scope, receive, send_named)

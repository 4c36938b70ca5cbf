"""
The handover: a stack that gets a request for a view of the other stack sends it there.

The edge's route table is the fast path, and the handover the fallback for what the table can't
express. The stack answers with X-Accel-Redirect, and NGINX replays the request on the other
stack, at most once per request. WSGI decides before the project's middleware runs where the path
alone decides; for a URLconf that middleware chooses, once the view is resolved
(routed_request.py); and for an async stream from a synchronous view, once its response is known.
"""

import asyncio
import os
from collections.abc import Awaitable, Iterable, Mapping
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.urls import Resolver404, resolve

from django_tandem import environment
from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.inprocess import access_log
from django_tandem.inprocess.handover_counts import HandoverCounter
from django_tandem.inprocess.policy import decide_request
from django_tandem.inprocess.proxy_headers import EDGE_HEADER, environ_key
from django_tandem.inprocess.routed_request import (
    LOCATIONS,
    REDIRECT_HEADER,
    ROUTED_REQUEST,
    RoutedRequest,
    can_hand_over,
)
from django_tandem.inprocess.scoreboard import REQUEST
from django_tandem.inprocess.streaming import (
    TimeLimitedBody,
    has_length,
    is_event_stream,
    without_buffering,
)
from django_tandem.inprocess.wsgi_responses import DeferredStart, EmptyBody, close_body
from django_tandem.model import Pin, Stack

# Set by the edge on every request, so that no client can: "1" on one that was handed over.
HANDED_HEADER = "x-tandem-handed"
_START_KEY = environ_key(access_log.START_HEADER)


class WsgiHandover:
    """Hands a request over to ASGI when its view, or its response, belongs there."""

    def __init__(
        self,
        application: WSGIApplication,
        pins: tuple[Pin, ...],
        counter: HandoverCounter | None,
    ) -> None:
        self.application = application
        self.pins = pins
        self.counter = counter
        self.is_enabled = can_hand_over()
        self.is_logged = access_log.is_enabled()
        self.resolves_first = os.environ.get(environment.RESOLVE_FIRST) == "1"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Only the edge can replay a request, and only once.
        was_handed = environ.pop(environ_key(HANDED_HEADER), "") == "1"
        came_by_edge = bool(environ.get(environ_key(EDGE_HEADER)))
        routed = RoutedRequest(
            may_hand_over=self.is_enabled and came_by_edge and not was_handed,
            request=environ.pop(REQUEST, None),
        )
        if self.is_logged and came_by_edge:
            routed.note_queue(environ.get(_START_KEY, ""))
        if routed.may_hand_over and self.resolves_first and self._resolves_to_asgi(environ, routed):
            return self._hand_over(routed, start_response)
        environ[ROUTED_REQUEST] = routed
        start = DeferredStart(start_response)
        body = self.application(environ, start)
        if routed.may_hand_over and belongs_on_asgi(environ, start.known_headers, routed):
            close_body(body)
            return self._hand_over(routed, start_response)
        is_stream = routed.is_stream and not has_length(start.headers)
        if is_stream and is_event_stream(start.headers):
            routed.note_event_stream()
        if environ["REQUEST_METHOD"] == "HEAD" and start.headers:
            # Django makes a body for HEAD too. A server would iterate it and send nothing, so that
            # no client that leaves a stream is noticed; and Gunicorn 27 warns of each body.
            start.release(*routed.describe())
            return EmptyBody(body)
        if not is_stream:
            start.release(*routed.describe())
            return body
        start.release(*without_buffering(start.headers), *routed.describe())
        return TimeLimitedBody(body)

    def _resolves_to_asgi(self, environ: WSGIEnvironment, routed: RoutedRequest) -> bool:
        path_info = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        try:
            match = resolve(path_info)
        except Resolver404:
            return False
        decision = decide_request(match, match.func, path_info, self.pins)
        routed.note_match(match, decision.view)
        return decision.stack is Stack.ASGI

    def _hand_over(self, routed: RoutedRequest, start_response: StartResponse) -> Iterable[bytes]:
        if self.counter is not None:
            routed.count(self.counter, Stack.ASGI)
        # Without any header of the project: the other stack sends them again.
        headers = [(REDIRECT_HEADER, LOCATIONS[Stack.ASGI]), ("Content-Length", "0")]
        start_response("200 OK", headers)
        return []


def belongs_on_asgi(
    environ: WSGIEnvironment, headers: Mapping[str, str], routed: RoutedRequest
) -> bool:
    """
    Return whether the response hands over to ASGI, or is an async stream.

    WSGI would collect an async stream before it sends the first part. It is known only once its
    view has run, which for other methods than GET and HEAD must not happen twice; and a pin or a
    mark keeps it here. The names of the headers are in lower case.
    """
    if _hands_over_to(Stack.ASGI, headers.get(REDIRECT_HEADER.lower(), "")):
        return True
    is_repeatable = environ["REQUEST_METHOD"] in {"GET", "HEAD"}
    return routed.is_async_stream and is_repeatable and not routed.is_explicit


def _hands_over_to(stack: Stack, location: str) -> bool:
    return location == LOCATIONS[stack]


_HANDED_NAME = HANDED_HEADER.encode()
_EDGE_NAME = EDGE_HEADER.encode()
_START_NAME = access_log.START_HEADER.encode()
_REDIRECT_NAME = REDIRECT_HEADER.lower().encode()


class AsgiHandover:
    """Hands a request over to WSGI when its view belongs there, without the project's headers."""

    def __init__(self, application: Application, counter: HandoverCounter | None) -> None:
        self.application = application
        self.counter = counter
        self.is_enabled = can_hand_over()
        self.is_logged = access_log.is_enabled()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self.application(scope, receive, send)
        return self._run(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = dict(scope["headers"])
        was_handed = known.get(_HANDED_NAME) == b"1"
        came_by_edge = bool(known.get(_EDGE_NAME))
        may_hand_over = self.is_enabled and came_by_edge and not was_handed
        routed = RoutedRequest(
            may_hand_over=may_hand_over,
            root_path=scope.get("root_path", ""),
            request=scope.get(REQUEST),
        )
        if self.is_logged and came_by_edge:
            routed.note_queue(known.get(_START_NAME, b"").decode("latin-1"))
        headers = [pair for pair in scope["headers"] if pair[0] != _HANDED_NAME]
        left = False

        async def send_or_leave(message: Message) -> None:
            nonlocal left
            if left:
                # No client slows down a stream whose parts are all dropped.
                await asyncio.sleep(0)
                return
            starts = message["type"] == "http.response.start"
            if starts and routed.may_hand_over and starts_handover(message):
                left = True
                await _redirect_to_wsgi(send)
            else:
                await send(_described(message, routed) if starts else message)

        inner = {**scope, "headers": headers, ROUTED_REQUEST: routed}
        inner.pop(REQUEST, None)
        await self.application(inner, receive, send_or_leave)
        if left and self.counter is not None:
            routed.count(self.counter, Stack.WSGI)


def _described(start: Message, routed: RoutedRequest) -> Message:
    added = [(name.lower().encode(), value.encode()) for name, value in routed.describe()]
    if not added:
        return start
    # NGINX takes the first of two, or joins them.
    names = {name for name, _ in added}
    own = [pair for pair in start.get("headers", ()) if bytes(pair[0]).lower() not in names]
    return {**start, "headers": [*own, *added]}


def starts_handover(start: Message) -> bool:
    """Return whether the response that starts hands over to WSGI."""
    known = {bytes(name).lower(): bytes(value) for name, value in start.get("headers", ())}
    return _hands_over_to(Stack.WSGI, known.get(_REDIRECT_NAME, b"").decode("latin-1"))


async def _redirect_to_wsgi(send: Send) -> None:
    headers = [(_REDIRECT_NAME, LOCATIONS[Stack.WSGI].encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})

"""
The handover: a stack that gets a request for a view of the other stack sends it there.

The edge's route table is the fast path, and the handover the fallback for what the table can't
express. The stack answers with X-Accel-Redirect, and NGINX replays the request on the other
stack, at most once per request. WSGI decides before the project's middleware runs where the path
alone decides; for a URLconf that middleware chooses, once the view is resolved; and for an async
stream from a synchronous view, once its response is known.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.core.handlers.base import BaseHandler
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve

from django_tandem import environment
from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.inprocess import access_log
from django_tandem.inprocess.handover_counts import HandoverCounter
from django_tandem.inprocess.policy import decide_request, narrowest_pin, route_text
from django_tandem.inprocess.proxy_headers import EDGE_HEADER, environ_key
from django_tandem.inprocess.scoreboard import REQUEST, ActiveRequest
from django_tandem.inprocess.streaming import (
    WsgiStream,
    has_length,
    is_event_stream,
    warn_of_held_worker,
    without_buffering,
)
from django_tandem.model import Pin, Stack

# Set by the edge on every request, so that no client can: "1" on one that was handed over.
HANDED_HEADER = "x-tandem-handed"
# With a named location, NGINX keeps the method and the body.
REDIRECT_HEADER = "X-Accel-Redirect"
LOCATIONS = {Stack.WSGI: "@tandem_handed_wsgi", Stack.ASGI: "@tandem_handed_asgi"}

# The key of the passage in the environ or the scope. Only the edge's own request has it: a view
# may call Django itself, through the test client for example.
PASSAGE = "tandem.passage"
_ATTRIBUTE = "_tandem_passage"
_INSTALLED = "_tandem_handover"


@dataclass(slots=True)
class Passage:
    """
    One request in a stack: whether it may be handed over, its URL match and its view.

    ``is_explicit`` is true when a pin or a mark names the stack. ``is_stream`` and
    ``is_async_stream`` describe Django's own response, below any wrapper. ``root_path`` is that of
    the edge. ``queued_s`` is how long it waited for the stack, where its access log has that.
    ``exception`` is the type that its view has raised, empty without one.
    """

    may_leave: bool
    root_path: str = ""
    match: ResolverMatch | None = None
    view: str = ""
    is_explicit: bool = False
    is_stream: bool = False
    is_async_stream: bool = False
    queued_s: float | None = None
    exception: str = ""
    request: ActiveRequest | None = None

    def note_match(self, match: ResolverMatch | None, view: str) -> None:
        """Note the URL match and the view."""
        self.match, self.view = match, view
        if self.request is not None and match is not None:
            self.request.note_route(route_text(match))

    def note_queue(self, start: str) -> None:
        """Note how long the request waited; ``start`` is when the edge sent it."""
        self.queued_s = access_log.queued_s(start)
        if self.request is not None:
            self.request.queued_s = self.queued_s

    def note(self, response: HttpResponseBase) -> None:
        """Note whether Django's own ``response`` is a stream."""
        self.is_stream = response.streaming
        self.is_async_stream = self.is_stream and bool(getattr(response, "is_async", False))

    def note_event_stream(self) -> None:
        """Note that it holds a WSGI worker for as long as its client listens."""
        if self.request is not None:
            self.request.is_long = True
        if not self.is_explicit:
            warn_of_held_worker(self.view)

    def describe(self) -> list[tuple[str, str]]:
        """Return the headers for the access log of the edge, where it has them."""
        if self.queued_s is None:
            return []
        route = route_text(self.match) if self.match else ""
        cpu = self.request.note_headers() if self.request is not None else None
        return access_log.describe(route, self.queued_s, cpu, self.exception)

    def count(self, counter: HandoverCounter, to: Stack) -> None:
        """Count the handover of this request ``to`` the other stack."""
        route = route_text(self.match) if self.match else ""
        pin = narrowest_pin(self.match, self.view) if self.match else ""
        counter.add(route, to, pin)


def is_enabled() -> bool:
    """Return whether the edge in front of this process can hand over."""
    return os.environ.get(environment.HANDOVER) == "1"


def is_needed() -> bool:
    """Return whether a process has to know the view of each request: also for its slot."""
    has_slot = environment.RUN_DIR in os.environ
    return is_enabled() or access_log.is_enabled() or has_slot


def install(pins: tuple[Pin, ...]) -> None:
    """
    Note the response, and add the last view middleware, of each handler that Django makes.

    A handler fills that list as it loads the project's middleware, so call this before. A process
    that makes a handler of each stack calls it for each; the first call counts.
    """
    load_middleware = BaseHandler.load_middleware
    if hasattr(load_middleware, _INSTALLED):
        return

    def load_and_append(handler: Any, is_async: bool = False) -> None:  # noqa: FBT001, FBT002
        load_middleware(handler, is_async=is_async)
        own = Stack.ASGI if is_async else Stack.WSGI
        hand_over, chain = _view_middleware(own, pins), handler._middleware_chain
        handler._view_middleware.append(_as_coroutine(hand_over) if is_async else hand_over)
        handler._middleware_chain = _async_chain(chain) if is_async else _sync_chain(chain)

    got_request_exception.connect(_note_exception)
    setattr(load_and_append, _INSTALLED, True)
    BaseHandler.load_middleware = load_and_append  # type: ignore[method-assign,assignment]


def _note_exception(request: HttpRequest | None = None, **_arguments: Any) -> None:
    passage: Passage | None = getattr(request, _ATTRIBUTE, None)
    raised = sys.exc_info()[0]
    if passage is not None and raised is not None:
        module = "" if raised.__module__ == "builtins" else f"{raised.__module__}."
        passage.exception = f"{module}{raised.__qualname__}"


ViewMiddleware = Callable[..., HttpResponse | None]


def _sync_chain(chain: Callable[..., Any]) -> Callable[..., Any]:
    def respond(request: HttpRequest) -> Any:
        passage = _attach_passage(request)
        response = chain(request)
        if passage is not None:
            passage.note(response)
        return response

    return respond


def _async_chain(chain: Callable[..., Any]) -> Callable[..., Any]:
    async def respond(request: HttpRequest) -> Any:
        _attach_passage(request)
        return await chain(request)

    return respond


def _attach_passage(request: HttpRequest) -> Passage | None:
    # Removed there, as request.META is the environ itself, and on ASGI it has no such key.
    given = getattr(request, "environ", None) or getattr(request, "scope", {})
    passage: Passage | None = given.pop(PASSAGE, None)
    if passage is None:
        # Sentry wraps load_middleware() too, and then the second call of install() wraps it again.
        return getattr(request, _ATTRIBUTE, None)
    if given.get("root_path", "") != passage.root_path:
        # Below a mount of another ASGI application, which WSGI does not have.
        passage.may_leave = False
    setattr(request, _ATTRIBUTE, passage)
    return passage


def _view_middleware(own: Stack, pins: tuple[Pin, ...]) -> ViewMiddleware:
    def hand_over(request: HttpRequest, view: Any, *_arguments: Any) -> HttpResponse | None:
        passage: Passage | None = getattr(request, _ATTRIBUTE, None)
        if passage is None:
            return None
        decision = decide_request(request.resolver_match, view, request.path_info, pins)
        passage.is_explicit = decision.is_explicit
        passage.note_match(request.resolver_match, decision.view)
        if not passage.may_leave or decision.stack is own:
            return None
        # Middleware that caches or tags responses leaves a 204 alone.
        return HttpResponse(status=204, headers=_redirect_to(decision.stack))

    return hand_over


def _as_coroutine(hand_over: ViewMiddleware) -> Callable[..., Any]:
    # It only computes, and needs no thread.
    async def hand_over_async(*arguments: Any) -> HttpResponse | None:
        return hand_over(*arguments)

    # What a thread calls that runs the view too: handler.segment reads it.
    hand_over_async.on_thread = hand_over  # type: ignore[attr-defined]
    return hand_over_async


def _redirect_to(stack: Stack) -> dict[str, str]:
    return {REDIRECT_HEADER: LOCATIONS[stack], "Cache-Control": "private, no-store"}


def _hands_over_to(stack: Stack, location: str) -> bool:
    return location == LOCATIONS[stack]


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
        self.is_enabled = is_enabled()
        self.is_logged = access_log.is_enabled()
        self.resolves_first = os.environ.get(environment.RESOLVE_FIRST) == "1"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Only the edge can replay a request, and only once.
        was_handed = environ.pop(environ_key(HANDED_HEADER), "") == "1"
        came_by_edge = bool(environ.get(environ_key(EDGE_HEADER)))
        passage = Passage(
            may_leave=self.is_enabled and came_by_edge and not was_handed,
            request=environ.pop(REQUEST, None),
        )
        if self.is_logged and came_by_edge:
            passage.note_queue(environ.get(_START_KEY, ""))
        if passage.may_leave and self.resolves_first and self._resolves_to_asgi(environ, passage):
            return self._hand_over(passage, start_response)
        environ[PASSAGE] = passage
        start = DeferredStart(start_response)
        body = self.application(environ, start)
        if passage.may_leave and belongs_on_asgi(environ, start.known_headers, passage):
            close = getattr(body, "close", None)
            if close is not None:
                close()
            return self._hand_over(passage, start_response)
        if not passage.is_stream or has_length(start.headers):
            start.release(*passage.describe())
            return body
        if is_event_stream(start.headers):
            passage.note_event_stream()
        stream = WsgiStream(body)
        if environ["REQUEST_METHOD"] == "HEAD" and start.headers:
            # A server would iterate it and send nothing, so that no client that leaves is noticed.
            start.release(*passage.describe())
            stream.close()
            return []
        start.release(*without_buffering(start.headers), *passage.describe())
        return stream

    def _resolves_to_asgi(self, environ: WSGIEnvironment, passage: Passage) -> bool:
        path_info = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        try:
            match = resolve(path_info)
        except Resolver404:
            return False
        decision = decide_request(match, match.func, path_info, self.pins)
        passage.note_match(match, decision.view)
        return decision.stack is Stack.ASGI

    def _hand_over(self, passage: Passage, start_response: StartResponse) -> Iterable[bytes]:
        if self.counter is not None:
            passage.count(self.counter, Stack.ASGI)
        # Without any header of the project: the other stack sends them again.
        headers = [(REDIRECT_HEADER, LOCATIONS[Stack.ASGI]), ("Content-Length", "0")]
        start_response("200 OK", headers)
        return []


class DeferredStart:
    """A ``start_response`` that keeps the start until it is released."""

    def __init__(self, start_response: StartResponse) -> None:
        self._start_response = start_response
        self._deferred: tuple[Any, ...] | None = None
        self._known: dict[str, str] | None = None
        self._added: tuple[tuple[str, str], ...] = ()
        self._is_released = False

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the deferred start."""
        return self._deferred[1] if self._deferred else []

    @property
    def known_headers(self) -> dict[str, str]:
        """The headers of the deferred start by their names in lower case."""
        if self._known is None:
            self._known = {name.lower(): value for name, value in self.headers}
        return self._known

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        self._known = None
        self._deferred = (status, headers, *([] if exc_info is None else [exc_info]))
        # An application may start only when its body is iterated.
        return self._start() if self._is_released else self._write

    def _write(self, data: bytes) -> None:
        self.release()(data)

    def release(self, *headers: tuple[str, str]) -> Any:
        """Pass the deferred start on with these headers too; return the server's ``write``."""
        self._added, self._is_released = headers, True
        return self._start() if self._deferred else None

    def _start(self) -> Any:
        headers = self.headers
        names = {name.lower() for name, _ in self._added}
        if names and not names.isdisjoint(self.known_headers):
            # NGINX takes the first of two, or joins them.
            headers = [pair for pair in headers if pair[0].lower() not in names]
        status, _, *exc_info = self._deferred or ("", [])
        self._deferred = None
        return self._start_response(status, [*headers, *self._added], *exc_info)


def belongs_on_asgi(environ: WSGIEnvironment, headers: Mapping[str, str], passage: Passage) -> bool:
    """
    Return whether the response hands over to ASGI, or is an async stream.

    WSGI would collect an async stream before it sends the first part. It is known only once its
    view has run, which for other methods than GET and HEAD must not happen twice; and a pin or a
    mark keeps it here. The names of the headers are in lower case.
    """
    if _hands_over_to(Stack.ASGI, headers.get(REDIRECT_HEADER.lower(), "")):
        return True
    is_repeatable = environ["REQUEST_METHOD"] in {"GET", "HEAD"}
    return passage.is_async_stream and is_repeatable and not passage.is_explicit


_HANDED_NAME = HANDED_HEADER.encode()
_EDGE_NAME = EDGE_HEADER.encode()
_START_NAME = access_log.START_HEADER.encode()
_REDIRECT_NAME = REDIRECT_HEADER.lower().encode()


class AsgiHandover:
    """Hands a request over to WSGI when its view belongs there, without the project's headers."""

    def __init__(self, application: Application, counter: HandoverCounter | None) -> None:
        self.application = application
        self.counter = counter
        self.is_enabled = is_enabled()
        self.is_logged = access_log.is_enabled()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self.application(scope, receive, send)
        return self._run(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = dict(scope["headers"])
        was_handed = known.get(_HANDED_NAME) == b"1"
        came_by_edge = bool(known.get(_EDGE_NAME))
        may_leave = self.is_enabled and came_by_edge and not was_handed
        passage = Passage(
            may_leave=may_leave,
            root_path=scope.get("root_path", ""),
            request=scope.get(REQUEST),
        )
        if self.is_logged and came_by_edge:
            passage.note_queue(known.get(_START_NAME, b"").decode("latin-1"))
        headers = [pair for pair in scope["headers"] if pair[0] != _HANDED_NAME]
        left = False

        async def send_or_leave(message: Message) -> None:
            nonlocal left
            if left:
                # No client slows down a stream of which each part is dropped.
                await asyncio.sleep(0)
                return
            starts = message["type"] == "http.response.start"
            if starts and passage.may_leave and starts_handover(message):
                left = True
                await _redirect_to_wsgi(send)
            else:
                await send(_described(message, passage) if starts else message)

        inner = {**scope, "headers": headers, PASSAGE: passage}
        inner.pop(REQUEST, None)
        await self.application(inner, receive, send_or_leave)
        if left and self.counter is not None:
            passage.count(self.counter, Stack.WSGI)


def _described(start: Message, passage: Passage) -> Message:
    added = [(name.lower().encode(), value.encode()) for name, value in passage.describe()]
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

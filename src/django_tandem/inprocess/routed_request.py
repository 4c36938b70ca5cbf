"""
A request as a stack routes it: what Django's handler notes of it, for the layers around.

The handler that Django makes is extended once per process: its last view middleware decides which
stack the view belongs to, and a request of the other stack gets a redirect in place of the view.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.handlers.base import BaseHandler
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch

from django_tandem import environment
from django_tandem.inprocess import access_log
from django_tandem.inprocess.handover_counts import HandoverCounter
from django_tandem.inprocess.policy import decide_request, narrowest_pin, route_text
from django_tandem.inprocess.scoreboard import ActiveRequest
from django_tandem.inprocess.streaming import warn_of_held_worker
from django_tandem.model import Pin, Stack

# With a named location, NGINX keeps the method and the body.
REDIRECT_HEADER = "X-Accel-Redirect"
LOCATIONS = {Stack.WSGI: "@tandem_handed_wsgi", Stack.ASGI: "@tandem_handed_asgi"}

# The key of the routed request in the environ or the scope. Only the edge's own request has it: a
# view may call Django itself, through the test client for example.
ROUTED_REQUEST = "tandem.routed_request"
_ATTRIBUTE = "_tandem_routed_request"
_INSTALLED = "_tandem_routed_requests"


@dataclass(slots=True)
class RoutedRequest:
    """
    One request in a stack: whether it may be handed over, its URL match and its view.

    ``is_explicit`` is true when a pin or a mark names the stack. ``is_stream`` and
    ``is_async_stream`` describe Django's own response, below any wrapper. ``root_path`` is that of
    the edge. ``queued_s`` is how long it waited for the stack, where its access log has that.
    ``exception`` is the type that its view has raised, empty without one.
    """

    may_hand_over: bool
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


def can_hand_over() -> bool:
    """Return whether the edge in front of this process can hand over."""
    return os.environ.get(environment.HANDOVER) == "1"


def is_needed() -> bool:
    """Return whether a process has to know the view of each request: also for its slot."""
    has_slot = environment.RUN_DIR in os.environ
    return can_hand_over() or access_log.is_enabled() or has_slot


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
    routed: RoutedRequest | None = getattr(request, _ATTRIBUTE, None)
    raised = sys.exc_info()[0]
    if routed is not None and raised is not None:
        module = "" if raised.__module__ == "builtins" else f"{raised.__module__}."
        routed.exception = f"{module}{raised.__qualname__}"


ViewMiddleware = Callable[..., HttpResponse | None]


def _sync_chain(chain: Callable[..., Any]) -> Callable[..., Any]:
    def respond(request: HttpRequest) -> Any:
        routed = _attach_routed_request(request)
        response = chain(request)
        if routed is not None:
            routed.note(response)
        return response

    return respond


def _async_chain(chain: Callable[..., Any]) -> Callable[..., Any]:
    async def respond(request: HttpRequest) -> Any:
        _attach_routed_request(request)
        return await chain(request)

    return respond


def _attach_routed_request(request: HttpRequest) -> RoutedRequest | None:
    # Removed there, as request.META is the environ itself, and on ASGI it has no such key.
    given = getattr(request, "environ", None) or getattr(request, "scope", {})
    routed: RoutedRequest | None = given.pop(ROUTED_REQUEST, None)
    if routed is None:
        # Sentry wraps load_middleware() too, and then the second call of install() wraps it again.
        return getattr(request, _ATTRIBUTE, None)
    if given.get("root_path", "") != routed.root_path:
        # Below a mount of another ASGI application, which WSGI does not have.
        routed.may_hand_over = False
    setattr(request, _ATTRIBUTE, routed)
    return routed


def _view_middleware(own: Stack, pins: tuple[Pin, ...]) -> ViewMiddleware:
    def hand_over(request: HttpRequest, view: Any, *_arguments: Any) -> HttpResponse | None:
        routed: RoutedRequest | None = getattr(request, _ATTRIBUTE, None)
        if routed is None:
            return None
        decision = decide_request(request.resolver_match, view, request.path_info, pins)
        routed.is_explicit = decision.is_explicit
        routed.note_match(request.resolver_match, decision.view)
        if not routed.may_hand_over or decision.stack is own:
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

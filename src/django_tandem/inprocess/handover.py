"""
The hand-over: a stack that was asked for what the other serves says so, and NGINX asks the other.

The edge's table is the fast path, and this the truth behind it. It happens once the view is
resolved and the project's middleware had its chance to refuse, and at most once a request.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from django_tandem.inprocess.policy import stack_of
from django_tandem.model import Pin, Stack

# Set by the edge on every request, so that no client can: "1" on one that was handed over.
HANDED_HEADER = "x-tandem-handed"
# NGINX's own word for "ask there instead"; with a named location it keeps method and body.
REDIRECT_HEADER = "X-Accel-Redirect"
LOCATIONS = {Stack.WSGI: "@handed_wsgi", Stack.ASGI: "@handed_asgi"}

ENABLED = "TANDEM_HANDOVER"

# Where the passage lies in the environ or the scope. It goes with the one request: what a view
# asks of Django by itself, through the test client for one, is none of the edge's.
PASSAGE = "tandem.passage"
_ATTRIBUTE = "_tandem_passage"


@dataclass(slots=True)
class Passage:
    """
    One request on its way through a stack: whether it may leave it, and which route it took.

    ``is_stream`` and ``is_async_stream`` are what Django answered, whatever wraps it later.
    """

    may_leave: bool
    route: str = ""
    is_stream: bool = False
    is_async_stream: bool = False

    def note(self, response: HttpResponseBase) -> None:
        """Keep what is known of Django's ``response`` itself."""
        self.is_stream = response.streaming
        self.is_async_stream = self.is_stream and bool(getattr(response, "is_async", False))


def is_enabled() -> bool:
    """Return whether the edge in front of this process knows how to hand over."""
    return os.environ.get(ENABLED) == "1"


def location_of(value: str) -> Stack | None:
    """Return the stack that the value of an X-Accel-Redirect hands over to; None for any other."""
    return next((stack for stack, location in LOCATIONS.items() if location == value), None)


def install(own: Stack, pins: tuple[Pin, ...]) -> None:
    """
    Have each handler that Django makes from now on ask, as the last of its view middleware.

    The list is filled when the handler loads the project's middleware, so this comes first.
    """
    load_middleware = BaseHandler.load_middleware

    def load_and_append(handler: Any, is_async: bool = False) -> None:  # noqa: FBT001, FBT002
        load_middleware(handler, is_async=is_async)
        ask, chain = _asking(own, pins), handler._middleware_chain
        handler._view_middleware.append(_awaitable(ask) if is_async else ask)
        handler._middleware_chain = _receiving_async(chain) if is_async else _receiving(chain)

    BaseHandler.load_middleware = load_and_append  # type: ignore[method-assign,assignment]


ViewMiddleware = Callable[..., HttpResponse | None]


def _receiving(chain: Callable[..., Any]) -> Callable[..., Any]:
    def respond(request: HttpRequest) -> Any:
        passage = _take(request)
        response = chain(request)
        if passage is not None:
            passage.note(response)
        return response

    return respond


def _receiving_async(chain: Callable[..., Any]) -> Callable[..., Any]:
    async def respond(request: HttpRequest) -> Any:
        _take(request)
        return await chain(request)

    return respond


def _take(request: HttpRequest) -> Passage | None:
    # Taken out, as request.META is the environ itself, and on ASGI it has no such key.
    given = getattr(request, "environ", None) or getattr(request, "scope", {})
    passage: Passage | None = given.pop(PASSAGE, None)
    setattr(request, _ATTRIBUTE, passage)
    return passage


def _asking(own: Stack, pins: tuple[Pin, ...]) -> ViewMiddleware:
    def hand_over(request: HttpRequest, view: Any, *_arguments: Any) -> HttpResponse | None:
        passage: Passage | None = getattr(request, _ATTRIBUTE, None)
        if passage is None:
            return None
        passage.route = f"/{request.resolver_match.route}" if request.resolver_match else ""
        if not passage.may_leave:
            return None
        stack = stack_of(request, view, pins)
        # 204, for nothing that caches a response or tags it takes that for one.
        return None if stack is own else HttpResponse(status=204, headers=_redirect(stack))

    return hand_over


def _awaitable(ask: ViewMiddleware) -> Callable[..., Any]:
    # It computes only, so it needs no thread of its own.
    async def hand_over(*arguments: Any) -> HttpResponse | None:
        return ask(*arguments)

    # Our handler asks it there when the view runs on a thread: then one hop does for both.
    hand_over.on_thread = ask  # type: ignore[attr-defined]
    return hand_over


def _redirect(stack: Stack) -> dict[str, str]:
    return {REDIRECT_HEADER: LOCATIONS[stack], "Cache-Control": "private, no-store"}

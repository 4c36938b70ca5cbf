"""Builds Django's middleware chain as Django does, with its own middleware in segments."""

import functools
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core.handlers import base as django_base
from django.core.handlers.base import BaseHandler
from django.utils.deprecation import MiddlewareMixin

from django_tandem.handler.internals import (
    closers_of,
    innermost_handler,
    is_logged,
    is_original,
    is_unchanged,
    middleware_chain,
    set_middleware_chain,
)
from django_tandem.handler.known_middleware import read_middleware, read_view_hook
from django_tandem.handler.segment import Segment, ViewSegment, service_unavailable
from django_tandem.handler.switching import (
    observe_from_thread,
    reject_if_exhausted,
    was_rejected,
)
from django_tandem.handler.thread_lease import PoolExhausted

# Looked up at each call, as Django does: an instrumentation may replace them.
DJANGO: Any = django_base
# A segment does in one piece what these do for each middleware, and for the view.
REPLACED = ("adapt_method_mode", "_get_response", "_get_response_async")


class SegmentedHandler(BaseHandler):
    """
    Django's handler with segments instead of Django's own middleware.

    The chain is still made by Django, which calls ``adapt_method_mode`` to adapt each handler to
    what calls it. That is where a segment is put around what has been made so far.
    """

    # Whether each request needs a thread, for middleware that is not known to need none.
    always_needs_thread = False
    # Whether the Django functions that the segments replace are unchanged.
    has_segments = True

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002
        """Make the chain as Django does, and put the check for a free thread before it."""
        self.has_segments = is_async and replaces_originals()
        super().load_middleware(is_async=is_async)
        if is_async:
            self.chain = middleware_chain(self)
            set_middleware_chain(self, self._respond_or_reject)

    def adapt_method_mode(
        self,
        is_async: bool,  # noqa: FBT001 - Django's own signature
        method: Any,
        method_is_async: bool | None = None,  # noqa: FBT001
        debug: bool = False,  # noqa: FBT001, FBT002
        name: str | None = None,
    ) -> Any:
        """Adapt a hook, or with ``method_is_async`` a handler, to what calls it."""
        adapt = super().adapt_method_mode
        if method_is_async is None:
            known = read_view_hook(method) if is_async and self.has_segments else None
            return known or adapt(is_async, method, None, debug, name)
        if method_is_async and self.has_segments:
            segment = self._segment_around(method)
            # It writes to the debug log what is adapted.
            adapt(is_async, segment.respond, True, debug, name)
            return segment.respond if is_async else segment.respond_on_thread
        self.always_needs_thread = self.always_needs_thread or is_async != method_is_async
        if method_is_async and not is_async:
            method = _observed_from_thread(method)
        return adapt(is_async, method, method_is_async, debug, name)

    def _segment_around(self, handler: Any) -> Segment:
        middleware = getattr(handler, "__wrapped__", None)
        if middleware == innermost_handler(self):
            return ViewSegment((), self)
        known = read_middleware(middleware)
        inner = getattr(getattr(middleware, "get_response", None), "__self__", None)
        if known is None or not isinstance(inner, Segment):
            self.always_needs_thread = self.always_needs_thread or _switches(middleware)
            return Segment((), handler)
        return inner.wrapped_in(known)

    async def get_response_async(self, request: Any) -> Any:
        """Return the response to a request, as Django does; 503 when no thread comes free."""
        if not is_original(BaseHandler, "get_response_async"):
            # What instruments it reads the request there, and calls Django's own.
            return await super().get_response_async(request)
        DJANGO.set_urlconf(settings.ROOT_URLCONF)
        response = await middleware_chain(self)(request)
        closers_of(response).append(request.close)
        if response.status_code >= 400 and not is_logged(response):
            # Handlers of the log may block.
            await sync_to_async(DJANGO.log_response, thread_sensitive=False)(
                "%s: %s", response.reason_phrase, request.path, response=response, request=request
            )
        return response

    async def _respond_or_reject(self, request: Any) -> Any:
        try:
            if self.always_needs_thread:
                reject_if_exhausted()
            response = await self.chain(request)
        except PoolExhausted:
            return service_unavailable()
        # Middleware that is not Django's own has made an error of it.
        is_rejected = response.status_code == 500 and was_rejected()
        return service_unavailable() if is_rejected else response


def replaces_originals() -> bool:
    """Return whether nothing has wrapped or changed the functions that a segment replaces."""
    converts = vars(django_base).get("convert_exception_to_response")
    return is_unchanged(converts, "django.core.handlers.exception") and all(
        is_original(BaseHandler, name) for name in REPLACED
    )


def _observed_from_thread(handler: Any) -> Any:
    """Let the pool know that a thread waits for the handler: others may take its place."""

    @functools.wraps(handler)
    async def observed(request: Any) -> Any:
        return await observe_from_thread(handler(request))

    return observed


def _switches(middleware: Any) -> bool:
    hooks = ("process_request", "process_response")
    return isinstance(middleware, MiddlewareMixin) and any(
        hasattr(middleware, hook) and not iscoroutinefunction(getattr(middleware, hook))
        for hook in hooks
    )

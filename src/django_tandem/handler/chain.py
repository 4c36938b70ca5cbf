"""Builds Django's middleware chain as Django does, with its own middleware in stretches."""

from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.urls import set_urlconf
from django.utils.deprecation import MiddlewareMixin
from django.utils.log import log_response

from django_tandem.handler.busy import BusyError, refusal
from django_tandem.handler.hops import refuse_if_busy, was_refused
from django_tandem.handler.internals import (
    answer_by,
    answers,
    closers_of,
    innermost,
    is_logged,
)
from django_tandem.handler.layers import ViewHook, declaration_of, read_layer
from django_tandem.handler.original import is_original
from django_tandem.handler.reach import Reach
from django_tandem.handler.stretch import Stretch


class Chain(BaseHandler):
    """
    Django's handler with stretches in the place of Django's own middleware.

    The chain is still made by Django, which asks here how each handler is to be adapted to what
    calls it. That is where a stretch comes in, around what has been made so far.
    """

    # Whether each request needs a thread, for middleware that is not known to need none.
    always_needs_thread = False

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002
        """Make the chain as Django does, and stand in front of it to refuse."""
        super().load_middleware(is_async=is_async)
        if is_async:
            self.chain = answers(self)
            answer_by(self, self.answer_or_refuse)

    def adapt_method_mode(
        self,
        is_async: bool,  # noqa: FBT001 - Django's own signature
        method: Any,
        method_is_async: bool | None = None,  # noqa: FBT001
        debug: bool = False,  # noqa: FBT001, FBT002
        name: str | None = None,
    ) -> Any:
        """Adapt a hook, or without ``method_is_async`` a handler, to what calls it."""
        if method_is_async is None:
            hook = _own_view_hook(method) if is_async else None
            return hook or super().adapt_method_mode(is_async, method, None, debug, name)
        if method_is_async:
            stretch = self.stretch_around(method)
            # It tells the debug log what is adapted.
            super().adapt_method_mode(is_async, stretch.respond, True, debug, name)
            return stretch.respond if is_async else stretch.respond_on_thread
        self.always_needs_thread = self.always_needs_thread or is_async
        return super().adapt_method_mode(is_async, method, method_is_async, debug, name)

    def stretch_around(self, handler: Any) -> Stretch:
        """Return the stretch that ``handler`` begins: one that Django made of a middleware."""
        middleware = getattr(handler, "__wrapped__", None)
        if middleware == innermost(self):
            return Reach((), self)
        layer = read_layer(middleware)
        inside = getattr(getattr(middleware, "get_response", None), "__self__", None)
        if layer is None or not isinstance(inside, Stretch):
            self.always_needs_thread = self.always_needs_thread or _hops(middleware)
            return Stretch((), handler)
        return inside.with_layer(layer)

    async def get_response_async(self, request: Any) -> Any:
        """Return the response to a request, as Django does; 503 when too many wait for a thread."""
        if not is_original(BaseHandler, "get_response_async"):
            # Who instruments it asks there what the request is, and calls Django's own.
            return await super().get_response_async(request)
        set_urlconf(settings.ROOT_URLCONF)
        response = await answers(self)(request)
        closers_of(response).append(request.close)
        if response.status_code >= 400 and not is_logged(response):
            # Handlers of the log may block.
            await sync_to_async(log_response, thread_sensitive=False)(
                "%s: %s", response.reason_phrase, request.path, response=response, request=request
            )
        return response

    async def answer_or_refuse(self, request: Any) -> Any:
        """Return what the middleware answers, unless no thread was free for it."""
        try:
            if self.always_needs_thread:
                refuse_if_busy()
            response = await self.chain(request)
        except BusyError:
            return refusal()
        # Middleware that is not Django's own has made an error of it.
        return refusal() if response.status_code == 500 and was_refused() else response


def _own_view_hook(method: Any) -> ViewHook | None:
    middleware = getattr(method, "__self__", None)
    if getattr(method, "__name__", "") != "process_view" or read_layer(middleware) is None:
        return None
    declared = declaration_of(type(middleware))
    return ViewHook(method, declared.view) if declared else None


def _hops(middleware: Any) -> bool:
    hooks = ("process_request", "process_response")
    return isinstance(middleware, MiddlewareMixin) and any(
        hasattr(middleware, hook) and not iscoroutinefunction(getattr(middleware, hook))
        for hook in hooks
    )

"""The segment around the view: a sync view takes one thread switch, with all that surrounds it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from asgiref.sync import SyncToAsync, async_to_sync, iscoroutinefunction
from django.core.handlers.base import BaseHandler

from django_tandem.handler.internals import (
    exception_hooks,
    innermost_handler,
    template_hooks,
    view_hooks,
)
from django_tandem.handler.known_middleware import KnownMiddleware, ViewHook
from django_tandem.handler.segment import ResumeOnLoop, Segment
from django_tandem.handler.switching import run_on_thread, run_on_thread_if_available
from django_tandem.handler.thread_lease import PoolExhausted

Switch = Callable[..., Awaitable[Any]]


class ThreadStep:
    """A call for a thread; it returns the response as it leaves the segment."""

    __slots__ = ("args", "switch")

    def __init__(self, switch: Switch, *args: Any) -> None:
        self.switch = switch
        self.args = args


class ViewSegment(Segment):
    """Known middleware around the view itself: does what Django's _get_response does."""

    def __init__(self, middleware: Sequence[KnownMiddleware], handler: BaseHandler) -> None:
        super().__init__(middleware, innermost_handler(handler))
        self.handler: Any = handler

    def wrapped_in(self, outer: KnownMiddleware) -> Segment:
        """Return the segment with one more middleware around it."""
        return ViewSegment((outer, *self.middleware), self.handler)

    async def call_inner(self, request: Any) -> Any:
        """Resolve the view, call it, and take its response outwards."""
        depth = len(self.middleware)
        try:
            response = await self._call_on_loop(request)
        except Exception as error:  # noqa: BLE001 - any becomes a response, as in Django
            return await self.process_error(request, error, depth)
        if not isinstance(response, ThreadStep):
            return await self.process_response(request, response, depth)
        try:
            # Outside the block above: the thread has converted its exceptions itself.
            return await response.switch(*response.args)
        except PoolExhausted as error:
            return await self.process_error(request, error, depth)

    async def _call_on_loop(self, request: Any) -> Any:
        """Return the response, or what a thread does to make and finish it."""
        handler = self.handler
        match = handler.resolve_request(request)
        view, args, kwargs = match
        response, hook_index = await self._call_view_hooks(request, match)
        if response is None:
            callback = handler.make_view_atomic(view)
            if hook_index is not None or not iscoroutinefunction(callback):
                call = self._call_view_on_thread
                return ThreadStep(run_on_thread_if_available, call, request, match, hook_index)
            try:
                response = await callback(request, *args, **kwargs)
            except Exception as error:
                response = await self._process_exception(request, error)
                if response is None:
                    raise
        handler.check_response(response, view)
        if is_rendered_late(response):
            return ThreadStep(run_on_thread, self._render_on_thread, request, view, response)
        return response

    async def _call_view_hooks(self, request: Any, match: Any) -> tuple[Any, int | None]:
        """Return the response, and the index of the hook from which a thread continues."""
        hooks, (view, args, kwargs) = view_hooks(self.handler), match
        response = None
        for index, hook in enumerate(hooks):
            if isinstance(hook, ViewHook) and not (
                hook.may_block and hook.may_block(request, view)
            ):
                response = hook.func(request, view, args, kwargs)
            elif not isinstance(hook, SyncToAsync):
                response = await hook(request, view, args, kwargs)
            elif not iscoroutinefunction(view) and all(map(sync_form, hooks[index:])):
                return None, index
            else:
                call: Any = sync_form(hook)
                response = await run_on_thread_if_available(call, request, view, args, kwargs)
            if response:
                break
        return response, None

    async def _process_exception(self, request: Any, error: Exception) -> Any:
        """Call the exception hooks, in the ``except`` block of the error."""
        if not exception_hooks(self.handler):
            return None
        return await run_on_thread(self.handler.process_exception_by_middleware, error, request)

    def call_inner_on_thread(self, request: Any) -> Any:
        """Do what ``call_inner`` does, if the view and its hooks are synchronous."""
        depth = len(self.middleware)
        if not all(map(sync_form, view_hooks(self.handler))):
            return ResumeOnLoop(depth)
        try:
            match = self.handler.resolve_request(request)
        except Exception as error:  # noqa: BLE001
            return self.process_error_on_thread(request, error, depth)
        if iscoroutinefunction(match.func):
            return ResumeOnLoop(depth)
        return self._call_view_on_thread(request, match, 0)

    def _call_view_on_thread(self, request: Any, match: Any, hook_index: int | None) -> Any:
        hooks = view_hooks(self.handler)
        remaining = [] if hook_index is None else hooks[hook_index:]
        try:
            response = self._call_view(request, match, remaining)
        except Exception as error:  # noqa: BLE001
            return self.process_error_on_thread(request, error, len(self.middleware))
        return self.process_response_on_thread(request, response, len(self.middleware))

    def _call_view(self, request: Any, match: Any, hooks: Sequence[Any]) -> Any:
        view, args, kwargs = match
        response = None
        for hook in hooks:
            call: Any = sync_form(hook)
            response = call(request, view, args, kwargs)
            if response:
                break
        if response is None:
            try:
                response = self.handler.make_view_atomic(view)(request, *args, **kwargs)
            except Exception as error:
                response = self.handler.process_exception_by_middleware(error, request)
                if response is None:
                    raise
        return self._check_and_render(request, view, response)

    def _render_on_thread(self, request: Any, view: Any, response: Any) -> Any:
        try:
            response = self._check_and_render(request, view, response)
        except Exception as error:  # noqa: BLE001
            return self.process_error_on_thread(request, error, len(self.middleware))
        return self.process_response_on_thread(request, response, len(self.middleware))

    def _check_and_render(self, request: Any, view: Any, response: Any) -> Any:
        self.handler.check_response(response, view)
        if not is_rendered_late(response):
            return response
        for hook in template_hooks(self.handler):
            call = sync_form(hook) or async_to_sync(hook)
            response = call(request, response)
            name = f"{type(hook.__self__).__name__}.process_template_response"
            self.handler.check_response(response, hook, name=name)
        try:
            render = response.render
            return (async_to_sync(render) if iscoroutinefunction(render) else render)()
        except Exception as error:
            response = self.handler.process_exception_by_middleware(error, request)
            if response is None:
                raise
            return response


def sync_form(hook: Any) -> Callable[..., Any] | None:
    """
    Return what a thread calls for an adapted ``hook``; None if that is a coroutine function.

    A coroutine function names its synchronous form, if it has one, in ``on_thread``.
    """
    return hook.func if isinstance(hook, SyncToAsync) else getattr(hook, "on_thread", None)


def is_rendered_late(response: Any) -> bool:
    """Return whether the response is a template that is rendered after its middleware."""
    return hasattr(response, "render") and callable(response.render)

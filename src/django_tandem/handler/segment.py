"""
An unbroken run of Django's own middleware, on the event loop as long as nothing may block.

The innermost one surrounds the view: a sync view takes one thread switch, with all around it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from asgiref.sync import SyncToAsync, async_to_sync, iscoroutinefunction, sync_to_async
from django.core.handlers import exception as django_exception
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse

from django_tandem.handler.internals import (
    exception_hooks,
    innermost_handler,
    mark_logged,
    template_hooks,
    view_hooks,
)
from django_tandem.handler.known_middleware import KnownMiddleware, ViewHook
from django_tandem.handler.switching import (
    observe_from_thread,
    run_on_thread,
    run_on_thread_if_available,
    would_wait,
)
from django_tandem.handler.thread_lease import PoolExhausted
from django_tandem.handler.wait_queue import RETRY_AFTER_S

Switch = Callable[..., Awaitable[Any]]


class ResumeOnLoop(int):
    """
    What a thread returns instead of a response when the event loop has to go on.

    The number is the index of the middleware with which it continues.
    """


class Segment:
    """
    Known middleware, the outermost first, around ``inner``: a handler that converts exceptions.

    Once a hook needs a thread, all that follows and can run there does so in the same switch.
    ``depth`` counts the middleware that a request has entered, and so must leave.
    """

    def __init__(
        self, middleware: Sequence[KnownMiddleware], inner: Callable[[Any], Awaitable[Any]]
    ) -> None:
        self.middleware = tuple(middleware)
        self.inner = inner
        numbered = enumerate(self.middleware, start=1)
        self.response_hooks = [(depth, each) for depth, each in numbered if each.has_response][::-1]

    def wrapped_in(self, outer: KnownMiddleware) -> "Segment":
        """Return the segment with one more middleware around it."""
        return Segment((outer, *self.middleware), self.inner)

    async def respond(self, request: Any) -> Any:
        """Respond on the event loop."""
        try:
            return await self.respond_from(request, 0)
        except PoolExhausted:
            return service_unavailable()

    def respond_on_thread(self, request: Any) -> Any:
        """Respond to a middleware that is synchronous itself."""
        result = self.respond_from_on_thread(request, 0)
        if isinstance(result, ResumeOnLoop):
            return async_to_sync(self._resume_for_thread)(request, result)
        return result

    async def _resume_for_thread(self, request: Any, depth: int) -> Any:
        return await observe_from_thread(self.respond_from(request, depth))

    async def respond_from(self, request: Any, depth: int) -> Any:
        """Go inwards from the middleware at ``depth``, and return the response."""
        for each in self.middleware[depth:] if depth else self.middleware:
            may_block = each.request_may_block
            if may_block is not None and may_block(request):
                result = await run_on_thread_if_available(
                    self.respond_from_on_thread, request, depth
                )
                is_response = not isinstance(result, ResumeOnLoop)
                return result if is_response else await self.respond_from(request, result)
            response = None
            try:
                if each.has_request:
                    response = each.instance.process_request(request)
                elif each.has_arequest:
                    response = await each.instance.aprocess_request(request)
            except Exception as error:  # noqa: BLE001 - any becomes a response, as in Django
                return await self.process_error(request, error, depth)
            depth += 1
            if response:
                return await self.process_response(request, response, depth)
        return await self.call_inner(request)

    async def call_inner(self, request: Any) -> Any:
        """Return the response of the handler inside."""
        depth = len(self.middleware)
        try:
            response = await self.inner(request)
        except PoolExhausted:
            raise
        except Exception as error:  # noqa: BLE001
            # It has failed to convert an exception, and what it raised is for the next one.
            return await self.process_inner_error(request, error, depth)
        return await self.process_response(request, response, depth)

    async def process_response(self, request: Any, response: Any, depth: int) -> Any:
        """Take the response outwards through the middleware that the request has entered."""
        for at, each in self.response_hooks:
            if at > depth:
                continue
            may_block = each.response_may_block
            if may_block is not None and may_block(request, response):
                return await run_on_thread(self.process_response_on_thread, request, response, at)
            try:
                response = each.instance.process_response(request, response)
            except Exception as error:  # noqa: BLE001
                return await self.process_error(request, error, at - 1)
        return response

    async def process_error(self, request: Any, error: Exception, depth: int) -> Any:
        """Convert an exception, in its ``except`` block, and take the response outwards."""
        if isinstance(error, PoolExhausted):
            return await self.process_response(request, service_unavailable(), depth)
        if not would_wait():
            return await run_on_thread(self.process_error_on_thread, request, error, depth)
        # Django does so on any thread: a cancelled call may run on this one for long.
        convert = sync_to_async(django_exception.response_for_exception, thread_sensitive=False)
        try:
            response = await convert(request, error)
        except Exception as another:  # noqa: BLE001
            return await self.process_inner_error(request, another, depth)
        return await self.process_response(request, response, depth)

    async def process_inner_error(self, request: Any, error: Exception, depth: int) -> Any:
        """Convert what a failed conversion has raised, one middleware further out."""
        if depth == 0:
            raise error
        return await self.process_error(request, error, depth - 1)

    def respond_from_on_thread(self, request: Any, depth: int) -> Any:
        """Return the response, or where the event loop must continue."""
        for each in self.middleware[depth:]:
            if each.has_arequest:
                return ResumeOnLoop(depth)
            try:
                response = each.instance.process_request(request) if each.has_request else None
            except Exception as error:  # noqa: BLE001
                return self.process_error_on_thread(request, error, depth)
            depth += 1
            if response:
                return self.process_response_on_thread(request, response, depth)
        return self.call_inner_on_thread(request)

    def call_inner_on_thread(self, request: Any) -> Any:
        """Return the response of the handler inside, if a thread can call it."""
        return ResumeOnLoop(len(self.middleware))

    def process_response_on_thread(self, request: Any, response: Any, depth: int) -> Any:
        """Take the response outwards through the middleware that the request has entered."""
        for at, each in self.response_hooks:
            if at > depth:
                continue
            try:
                response = each.instance.process_response(request, response)
            except Exception as error:  # noqa: BLE001
                return self.process_error_on_thread(request, error, at - 1)
        return response

    def process_error_on_thread(self, request: Any, error: Exception, depth: int) -> Any:
        """Convert an exception, and take the response outwards."""
        while True:
            try:
                response = django_exception.response_for_exception(request, error)
                break
            except Exception as another:
                # As in Django, it is converted where the next middleware would have caught it.
                if depth == 0:
                    raise
                error, depth = another, depth - 1
        return self.process_response_on_thread(request, response, depth)


class ThreadStep:
    """
    What the event loop gets instead of a response when the rest of the segment needs a thread.

    ``switch`` runs a function on a thread and ``args`` are that function and its arguments; it
    returns the response as it leaves the segment, or where the event loop has to go on.
    """

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


def service_unavailable() -> HttpResponse:
    """Return a 503 with the time to retry after, which Django does not log as an error."""
    response = HttpResponse(
        "All threads are busy.",
        status=503,
        content_type="text/plain",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )
    mark_logged(response)
    return response

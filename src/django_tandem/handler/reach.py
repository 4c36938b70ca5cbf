"""The stretch that ends at the view: a sync view takes one hop, with all that surrounds it."""

from collections.abc import Sequence
from typing import Any

from asgiref.sync import SyncToAsync, iscoroutinefunction
from django.core.handlers.base import BaseHandler

from django_tandem.handler.hops import on_thread, on_thread_if_free
from django_tandem.handler.internals import exception_hooks, innermost, view_hooks
from django_tandem.handler.layers import Layer, ViewHook
from django_tandem.handler.stretch import Pause, Stretch
from django_tandem.handler.view import finish, is_rendered_late, run, sync_form


class Reach(Stretch):
    """Layers around the view itself."""

    def __init__(self, layers: Sequence[Layer], handler: BaseHandler) -> None:
        super().__init__(layers, innermost(handler))
        self.handler: Any = handler

    def with_layer(self, layer: Layer) -> Stretch:
        """Return the stretch that ``layer`` makes longer by one, from outside."""
        return Reach((layer, *self.layers), self.handler)

    async def arrive(self, request: Any) -> Any:
        """Find the view and have it answer."""
        handler = self.handler
        try:
            match = handler.resolve_request(request)
            view, arguments, named = match
            response, at = await self.ask(request, match)
            if response is None:
                called = handler.make_view_atomic(view)
                if at is not None or not iscoroutinefunction(called):
                    return await on_thread_if_free(self.run_on_thread, request, match, at)
                try:
                    response = await called(request, *arguments, **named)
                except Exception as error:
                    response = await self.excuse(request, error)
                    if response is None:
                        raise
            handler.check_response(response, view)
            if is_rendered_late(response):
                return await on_thread(self.finish_on_thread, request, view, response)
        except Exception as error:  # noqa: BLE001 - any becomes a response, as in Django
            return await self.fail(request, error, len(self.layers))
        return await self.leave(request, response, len(self.layers))

    async def ask(self, request: Any, match: Any) -> tuple[Any, int | None]:
        """Ask the view hooks; return the answer, and the hook from which a thread goes on."""
        hooks, (view, arguments, named) = view_hooks(self.handler), match
        response = None
        for at, hook in enumerate(hooks):
            if isinstance(hook, ViewHook) and not hook.blocks(request, view):
                response = hook.hook(request, view, arguments, named)
            elif not isinstance(hook, ViewHook | SyncToAsync):
                response = await hook(request, view, arguments, named)
            elif not iscoroutinefunction(view) and all(map(sync_form, hooks[at:])):
                return None, at
            else:
                call: Any = sync_form(hook)
                response = await on_thread_if_free(call, request, view, arguments, named)
            if response:
                break
        return response, None

    async def excuse(self, request: Any, error: Exception) -> Any:
        """Ask the exception middleware, in the ``except`` block of the error."""
        if not exception_hooks(self.handler):
            return None
        return await on_thread(self.handler.process_exception_by_middleware, error, request)

    def arrive_on_thread(self, request: Any) -> Any:
        """Do what ``arrive`` does, if a thread can."""
        if not all(map(sync_form, view_hooks(self.handler))):
            return Pause(len(self.layers))
        try:
            match = self.handler.resolve_request(request)
        except Exception as error:  # noqa: BLE001
            return self.fail_on_thread(request, error, len(self.layers))
        if iscoroutinefunction(match.func):
            return Pause(len(self.layers))
        return self.run_on_thread(request, match, 0)

    def run_on_thread(self, request: Any, match: Any, at: int | None) -> Any:
        """Have the view answer, after the hooks from ``at`` on, and leave the layers."""
        at = len(view_hooks(self.handler)) if at is None else at
        try:
            response = run(self.handler, request, match, at)
        except Exception as error:  # noqa: BLE001
            return self.fail_on_thread(request, error, len(self.layers))
        return self.leave_on_thread(request, response, len(self.layers))

    def finish_on_thread(self, request: Any, view: Any, response: Any) -> Any:
        """Render the response, and leave the layers."""
        try:
            response = finish(self.handler, request, view, response)
        except Exception as error:  # noqa: BLE001
            return self.fail_on_thread(request, error, len(self.layers))
        return self.leave_on_thread(request, response, len(self.layers))

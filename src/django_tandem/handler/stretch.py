"""An unbroken run of Django's own middleware, on the event loop as long as nothing may block."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.core.handlers.exception import response_for_exception

from django_tandem.handler.busy import BusyError, refusal
from django_tandem.handler.hops import (
    awaited_by_thread,
    on_thread,
    on_thread_if_free,
    would_wait,
)
from django_tandem.handler.layers import Layer


class Pause(int):
    """What a thread answers when the event loop must go on: from the layer of this number."""


class Stretch:
    """
    Layers, the outermost first, around ``inner``: a handler that answers exceptions itself.

    Once a layer needs a thread, all that follows and can run there does so in the same hop.
    ``depth`` is how many layers a request has entered, and so must leave.
    """

    def __init__(self, layers: Sequence[Layer], inner: Callable[[Any], Awaitable[Any]]) -> None:
        self.layers = tuple(layers)
        self.inner = inner
        self.leaving = [
            (depth, layer.response, layer.response_may_block)
            for depth, layer in enumerate(self.layers, start=1)
            if layer.response is not None
        ][::-1]

    def with_layer(self, layer: Layer) -> "Stretch":
        """Return the stretch that ``layer`` makes longer by one, from outside."""
        return Stretch((layer, *self.layers), self.inner)

    async def respond(self, request: Any) -> Any:
        """Answer the request."""
        try:
            return await self.enter(request, 0)
        except BusyError:
            return refusal()

    def respond_on_thread(self, request: Any) -> Any:
        """Answer the request of a middleware that is synchronous itself."""
        found = self.enter_on_thread(request, 0)
        if isinstance(found, Pause):
            return async_to_sync(self.enter_for_thread)(request, found)
        return found

    async def enter_for_thread(self, request: Any, depth: int) -> Any:
        """Do what ``enter`` does, while a thread waits for it."""
        with awaited_by_thread():
            return await self.enter(request, depth)

    async def enter(self, request: Any, depth: int) -> Any:
        """Go inwards from the layer at ``depth``, and come back with a response."""
        for layer in self.layers[depth:] if depth else self.layers:
            may_block = layer.request_may_block
            if may_block is not None and may_block(request):
                found = await on_thread_if_free(self.enter_on_thread, request, depth)
                return await self.enter(request, found) if isinstance(found, Pause) else found
            response = None
            try:
                if layer.request is not None:
                    response = layer.request(request)
                elif layer.request_awaited is not None:
                    response = await layer.request_awaited(request)
            except Exception as error:  # noqa: BLE001 - any becomes a response, as in Django
                return await self.fail(request, error, depth)
            depth += 1
            if response:
                return await self.leave(request, response, depth)
        return await self.arrive(request)

    async def arrive(self, request: Any) -> Any:
        """Have the handler inside answer."""
        return await self.leave(request, await self.inner(request), len(self.layers))

    async def leave(self, request: Any, response: Any, depth: int) -> Any:
        """Take the response outwards through the layers that the request entered."""
        for at, hook, may_block in self.leaving:
            if at > depth:
                continue
            if may_block is not None and may_block(request, response):
                return await on_thread(self.leave_on_thread, request, response, at)
            try:
                response = hook(request, response)
            except Exception as error:  # noqa: BLE001
                return await self.fail(request, error, at - 1)
        return response

    async def fail(self, request: Any, error: Exception, depth: int) -> Any:
        """Answer an exception, in its ``except`` block, and take the response outwards."""
        if isinstance(error, BusyError):
            return await self.leave(request, refusal(), depth)
        if would_wait():
            # Django answers on any thread: what was given up may run on this one for long.
            answer = sync_to_async(response_for_exception, thread_sensitive=False)
            return await self.leave(request, await answer(request, error), depth)
        return await on_thread(self.fail_on_thread, request, error, depth)

    def enter_on_thread(self, request: Any, depth: int) -> Any:
        """Do what ``enter`` does, as far as a thread can: return a response, or where it ends."""
        for layer in self.layers[depth:]:
            if layer.request_awaited is not None:
                return Pause(depth)
            try:
                response = layer.request(request) if layer.request is not None else None
            except Exception as error:  # noqa: BLE001
                return self.fail_on_thread(request, error, depth)
            depth += 1
            if response:
                return self.leave_on_thread(request, response, depth)
        return self.arrive_on_thread(request)

    def arrive_on_thread(self, request: Any) -> Any:
        """Do what ``arrive`` does, if a thread can."""
        return Pause(len(self.layers))

    def leave_on_thread(self, request: Any, response: Any, depth: int) -> Any:
        """Do what ``leave`` does."""
        for at, hook, _ in self.leaving:
            if at > depth:
                continue
            try:
                response = hook(request, response)
            except Exception as error:  # noqa: BLE001
                return self.fail_on_thread(request, error, at - 1)
        return response

    def fail_on_thread(self, request: Any, error: Exception, depth: int) -> Any:
        """Do what ``fail`` does."""
        return self.leave_on_thread(request, response_for_exception(request, error), depth)

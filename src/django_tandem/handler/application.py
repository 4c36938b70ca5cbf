"""
The ASGI application: Django's own, with fewer thread switches and a bounded thread pool.

Within a stack, inprocess/routed_request.py extends the base class of its handler, BaseHandler.
"""

import asyncio
import contextvars
import functools
import os
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any, ClassVar

import django
from django.core import signals
from django.core.cache import close_caches
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import reset_urlconf
from django.db import close_old_connections, reset_queries
from django.dispatch import Signal
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from django_tandem import environment
from django_tandem.fingerprints import are_known
from django_tandem.handler.cancellation import (
    DisconnectListener,
    await_noting_suspends,
    run_in_context,
)
from django_tandem.handler.internals import (
    SOURCES,
    close_resources,
    closers_of,
    context_executor,
    has_executor,
    has_open_caches,
    is_original,
    only_computes,
    receivers_of,
    run_on,
    run_parallel,
)
from django_tandem.handler.pools import asgi_setting, request_pool, thread_count
from django_tandem.handler.protocol import Message, Receive, Scope, Send
from django_tandem.handler.segment import service_unavailable
from django_tandem.handler.segmented_handler import SegmentedHandler
from django_tandem.handler.switching import (
    RequestExecutor,
    finish_on_thread,
    note_streaming,
    run_on_thread_if_available,
    wait_for_leftover_calls,
)
from django_tandem.handler.sync_stream import stream_on_thread
from django_tandem.handler.thread_lease import PoolExhausted

# They manage the connections of their thread: the pool runs them where it lends one.
ON_THREADS = (reset_queries, close_old_connections)
# The first only computes. The other has nothing to do, or else the response closes on a thread.
ON_LOOP = (reset_urlconf, close_caches)
DJANGOS = frozenset([*ON_THREADS, *ON_LOOP])

# What the request of this context runs its sync code on; None if its caller has set that.
EXECUTOR: contextvars.ContextVar[RequestExecutor | None] = contextvars.ContextVar(
    "EXECUTOR", default=None
)


class DjangoApplication(SegmentedHandler, ASGIHandler):
    """Responds on the event loop, and on a thread of the pool where a request may block."""

    # What Django's signals do for connections is done when a thread is acquired and returned. Not
    # set in __init__, which Django's handler of static files leaves out.
    @cached_property
    def on_acquire(self) -> tuple[Callable[[], None], ...]:
        """The calls that a thread runs before a request."""
        return (partial(run_connected, signals.request_started, type(self)),)

    @cached_property
    def on_release(self) -> tuple[Callable[[], None], ...]:
        """What a thread runs after a request did."""
        return (partial(run_connected, signals.request_finished, type(self)),)

    # Whether one was made in this process.
    is_made: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        DjangoApplication.is_made = True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
        elif asyncio.current_task() is None:
            # A server that runs coroutines without a task: only a task can be cancelled.
            await asyncio.ensure_future(self(scope, receive, send))
        else:
            await self._run(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond in a context and on a thread of the request's own."""
        context = contextvars.copy_context()
        if has_executor():
            await run_in_context(
                self._respond_with_executor(None, scope, receive, send), context, _do_nothing
            )
            return
        executor = RequestExecutor(
            request_pool(),
            keeps_thread=True,
            on_acquire=self.on_acquire,
            on_release=self.on_release,
        )
        response = self._respond_with_executor(executor, scope, receive, send)
        try:
            await run_in_context(response, context, executor.note_suspended)
        finally:
            executor.release()

    async def _respond_with_executor(self, executor: RequestExecutor | None, *call: Any) -> None:
        EXECUTOR.set(executor)
        if executor is not None:
            run_on(executor)
        if is_original(ASGIHandler, "__call__"):
            await self.handle(*call)
        else:
            # Called by what instruments Django's own handler.
            await super().__call__(*call)
        if executor is not None:
            await wait_for_leftover_calls(executor)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle a request, as Django does."""
        executor = EXECUTOR.get()
        if executor is not None and context_executor() is not executor:
            # Django's own __call__ has set another one.
            run_on(executor)
        if not is_original(ASGIHandler, "handle"):
            await super().handle(scope, receive, send)
            return
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        try:
            set_script_prefix(get_script_prefix(scope))
            has_lease = executor is not None
            await send_request_started(type(self), scope, has_lease=has_lease)
            request, error_response = self.create_request(scope, body)
            if request is None:
                body.close()
                await self.send_response(error_response, send)
                await self._finish(error_response)
            else:
                await self._respond_unless_disconnected(request, receive, send)
        finally:
            body.close()

    async def _respond_unless_disconnected(
        self, request: Any, receive: Receive, send: Send
    ) -> None:
        listener = DisconnectListener(lambda: self.listen_for_disconnect(receive))
        response, cancelled = None, None
        try:
            response, cancelled = await await_noting_suspends(
                self._get_and_send_response(request, send), listener.start
            )
        except asyncio.CancelledError as error:
            cancelled = error
        finally:
            await listener.stop()
        await self._finish(response)
        if cancelled is not None and not listener.is_sole_cause:
            # The server has cancelled it, perhaps while the client disconnected as well.
            raise cancelled

    async def _get_and_send_response(
        self, request: Any, send: Send
    ) -> tuple[Any, asyncio.CancelledError | None]:
        """Return the response, sent, and what has cancelled the sending."""
        response = await self.run_get_response(request)
        executor = EXECUTOR.get()
        if executor is not None and executor.has_thread and not self._needs_thread(response):
            # Other requests need not wait until the client has received all of it.
            executor.release()
        try:
            await self.send_response(response, send)
        except asyncio.CancelledError as error:
            return response, error
        return response, None

    def _needs_thread(self, response: Any) -> bool:
        return bool(response.streaming) or needs_thread(type(self), response)

    async def _finish(self, response: Any) -> None:
        await send_request_finished(type(self), response, EXECUTOR.get())

    async def send_response(self, response: Any, send: Any) -> None:
        """Send the response: a plain one by a short cut, a sync stream part by part."""
        if not is_original(ASGIHandler, "send_response"):
            await super().send_response(response, send)
        elif is_plain(response, self.chunk_size):
            for message in messages_of(response):
                await send(message)
        elif response.streaming and not response.is_async:
            await self._send_sync_stream(response, send)
        else:
            await super().send_response(response, send)

    async def _send_sync_stream(self, response: Any, send: Any) -> None:
        try:
            await run_on_thread_if_available(_do_nothing)
        except PoolExhausted:
            await super().send_response(service_unavailable(), send)
            return
        note_streaming()
        stream = stream_on_thread(response)
        try:
            await super().send_response(response, send)
        finally:
            stream.stop()


def run_connected(signal: Signal, sender: Any) -> None:
    """Run those of Django's own receivers that a thread needs, if they are connected."""
    connected, _ = receivers_of(signal, sender)
    for receiver in ON_THREADS:
        if receiver in connected:
            receiver()


async def send_request_started(sender: Any, scope: Any, *, has_lease: bool) -> None:
    """Send Django's signal ``request_started``."""
    receivers, async_receivers = receivers_of(signals.request_started, sender)
    if not (has_lease and DJANGOS.issuperset(receivers) and is_original(Signal, "asend")):
        await signals.request_started.asend(sender=sender, scope=scope)
    elif async_receivers:
        named = {"signal": signals.request_started, "sender": sender, "scope": scope}
        await run_parallel([receiver(**named) for receiver in async_receivers])


async def send_request_finished(
    sender: Any, response: Any, executor: RequestExecutor | None
) -> None:
    """
    Close the response, which sends ``request_finished``; None if there is no response.

    A view that was cancelled may still run on its thread: like Django, wait for it there.
    """
    if executor is None or executor.is_busy or needs_thread(sender, response):
        send = partial(signals.request_finished.send, sender=sender)
        await finish_on_thread(send if response is None else response.close)
        return
    if response is not None:
        close_resources(response)
    if reset_urlconf in receivers_of(signals.request_finished, sender)[0]:
        reset_urlconf(sender)


def needs_thread(sender: Any, response: Any) -> bool:
    """Return whether the end of the request runs what may block."""
    receivers, async_receivers = receivers_of(signals.request_finished, sender)
    return (
        bool(async_receivers)
        or not DJANGOS.issuperset(receivers)
        or has_open_caches()
        or not is_original(Signal, "send")
        or (response is not None and _closes_more(response))
    )


def _closes_more(response: Any) -> bool:
    is_plain = type(response).close is HttpResponseBase.close
    if not (is_plain and is_original(HttpResponseBase, "close")):
        return True
    return not all(map(only_computes, closers_of(response)))


def is_plain(response: Any, max_bytes: int) -> bool:
    """Return whether it is whole, small and without cookies, which differ between Djangos."""
    return not (response.streaming or response.cookies or len(response.content) > max_bytes)


def messages_of(response: Any) -> Iterator[Message]:
    """Yield the ASGI messages of a plain response."""
    headers = [
        (
            name.encode("ascii") if isinstance(name, str) else bytes(name),
            value.encode("latin1") if isinstance(value, str) else bytes(value),
        )
        for name, value in response.items()
    ]
    yield {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": headers,
    }
    yield {"type": "http.response.body", "body": response.content, "more_body": False}


def should_serve() -> bool:
    """Return whether our handler is to serve: by the settings, and by the installed Django."""
    return is_selected() and is_supported()


@functools.cache
def is_supported() -> bool:
    """Return whether the installed Django and asgiref were read; log one warning if not."""
    return are_known(SOURCES, otherwise="Django's own ASGI handler serves.")


def is_selected() -> bool:
    """Return whether the settings leave the choice of the handler to us."""
    selected = os.environ.get(environment.HANDLER) or asgi_setting("HANDLER")
    return bool(selected != "django")


def make_application() -> Any:
    """
    Set Django up, and return its application: our handler, or Django's own where it must be.

    Raises SettingError for a wrong number of threads.
    """
    django.setup(set_prefix=False)
    thread_count()
    return DjangoApplication() if should_serve() else ASGIHandler()


def _do_nothing() -> None:
    return None

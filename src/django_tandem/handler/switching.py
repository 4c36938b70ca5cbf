"""The only ways from the event loop to the thread of a request."""

import asyncio
import functools
import math
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, TypeVar

from asgiref.sync import SyncToAsync
from django.db import close_old_connections, connections

from django_tandem.handler.cancellation import await_noting_suspends
from django_tandem.handler.cpu_time import CURRENT, CpuTime
from django_tandem.handler.internals import (
    context_executor,
    current_executor,
    has_executor,
    observe_nested_calls,
    run_on,
    submitted_function,
    undo_run_on,
)
from django_tandem.handler.pools import consumer_pool
from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.handler.thread_lease import Call, PoolExhausted, Task, ThreadLease
from django_tandem.handler.thread_pool import ThreadPool

T = TypeVar("T")

CHECKS = (close_old_connections,)
# Django's own application already gives each HTTP request a thread.
TYPES = frozenset({"websocket", "channel"})


class RequestExecutor(Executor):
    """What asgiref runs the sync code of one request, or of one consumer, on."""

    def __init__(
        self,
        pool: ThreadPool,
        *,
        keeps_thread: bool,
        on_acquire: Sequence[Task],
        on_release: Sequence[Task],
    ) -> None:
        self.pool = pool
        self.cpu: CpuTime | None = CURRENT.get()
        self._keeps_thread = keeps_thread
        self._on_acquire, self._on_release = on_acquire, on_release
        self._is_over = False

    @functools.cached_property
    def lease(self) -> ThreadLease:
        """The lease, made by the first call: many consumers run no sync code."""
        lease = ThreadLease(
            self,
            keeps_thread=self._keeps_thread,
            on_acquire=self._on_acquire,
            on_release=self._on_release,
        )
        lease.is_request_over = self._is_over
        return lease

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the call after the earlier ones."""
        submitted = submitted_function(function)
        is_final = submitted is _call_at_end
        run = functools.partial(function, *args, **kwargs) if args or kwargs else function
        is_own = is_final or submitted is _call
        call = Call(run, is_own=is_own, is_final=is_final, cpu=self.cpu)
        self.pool.submit(self.lease, call)
        return call.future

    def release(self) -> None:
        """Return the thread, now or after the calls that are left."""
        self._is_over = True
        if "lease" in vars(self):
            self.pool.release(self.lease)

    @property
    def has_thread(self) -> bool:
        """Whether a thread was acquired."""
        with self.pool.lock:
            return self.lease.pool_thread is not None

    @property
    def is_busy(self) -> bool:
        """Whether a call runs or waits."""
        with self.pool.lock:
            return self.lease.is_busy

    @property
    def would_wait(self) -> bool:
        """Whether a further call would not run at once."""
        return self.is_busy or not self.pool.can_run(self.lease)

    @property
    def current_call(self) -> Call | None:
        """The call that the thread runs."""
        with self.pool.lock:
            return self.lease.running_call

    def note_suspended(self) -> None:
        """Note that the request awaits something, on the event loop."""
        self.pool.note_suspended(self.lease)


class ConsumerConnections:
    """
    When a connection is due to be closed that the last sync call of a consumer left open.

    ``due_at`` is monotonic: infinite where none will be, and 0 as long as that is not known.
    """

    __slots__ = ("due_at",)

    def __init__(self) -> None:
        self.due_at = math.inf

    def note_open(self) -> None:
        """Note what is open on this thread, whose connections were just checked."""
        opened = [each for each in connections.all(initialized_only=True) if each.connection]
        due = [each.close_at for each in opened if each.close_at is not None]
        self.due_at = min(due, default=math.inf)


class ConsumerExecutor(RequestExecutor):
    """The executor of one consumer, which notes the connections that its calls leave open."""

    def __init__(self) -> None:
        self.connections = ConsumerConnections()
        super().__init__(
            consumer_pool(),
            keeps_thread=False,
            on_acquire=CHECKS,
            on_release=(*CHECKS, self.connections.note_open),
        )

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the call after the earlier ones."""
        # Until its thread is returned: a transaction keeps it, and its connection.
        self.connections.due_at = 0.0
        return super().submit(function, *args, **kwargs)


def may_close_connections() -> bool:
    """Return whether ``close_old_connections`` may have one to close for the current consumer."""
    executor = context_executor()
    if not isinstance(executor, ConsumerExecutor):
        return True
    due_at = executor.connections.due_at
    return due_at != math.inf and time.monotonic() >= due_at


class ParallelConsumers:
    """
    Lets the consumers of a process run their synchronous calls in parallel, each call on a thread.

    With asgiref alone, all of them share one thread. A consumer lives for hours and mostly waits,
    so it does not keep its thread as a request does. The calls of one consumer still run one after
    another, and never on two threads at once. They have a separate pool, which rejects none of
    them: a consumer can't respond with 503.
    Connections are checked before and after each call, as Channels' database_sync_to_async does.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in TYPES or has_executor():
            await self.application(scope, receive, send)
            return
        executor = ConsumerExecutor()
        token = run_on(executor)
        try:
            await self.application(scope, receive, send)
        finally:
            executor.release()
            undo_run_on(token)


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def _call_outside_pool(function: Callable[[], Any]) -> Any:
    try:
        return function()
    finally:
        connections.close_all()


def _call_at_end(function: Callable[[], Any]) -> Any:
    return function()


_on_thread = SyncToAsync(_call)
_at_end = SyncToAsync(_call_at_end)
_outside_pool = SyncToAsync(_call_outside_pool, thread_sensitive=False)


async def run_on_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run ``function`` on the thread of this request."""
    return await _on_thread(function, *arguments)


async def run_on_thread_if_available(function: Callable[..., Any], *arguments: Any) -> Any:
    """
    Run ``function`` on the thread of this request, or wait for one.

    Raises PoolExhausted when the request has none and the wait queue is full.
    """
    reject_if_exhausted()
    return await _on_thread(function, *arguments)


async def finish_on_thread(function: Callable[[], Any]) -> Any:
    """
    Run ``function``, with which a request ends, on its thread.

    It is never rejected: without a thread, and with none free, it runs on one outside the pool.
    """
    with suppress(PoolExhausted):
        return await _at_end(function)
    return await _outside_pool(function)


async def wait_for_leftover_calls(executor: RequestExecutor) -> None:
    """Wait for the calls of tasks that the view has left behind."""
    # A task that was made just now has not started yet.
    await asyncio.sleep(0)
    if executor.is_busy:
        with suppress(PoolExhausted):
            await _on_thread(_call, int)


async def observe_from_thread(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await ``coroutine``, for which the thread of this request waits in the running call."""
    executor = context_executor()
    own = executor if isinstance(executor, RequestExecutor) else None
    call = own.current_call if own is not None else None
    if own is None or call is None:
        return await coroutine
    pool, lease = own.pool, own.lease
    observe_nested_calls(lambda change: pool.adjust(lease, call, change))
    pool.adjust(lease, call, -1)
    try:
        return await await_noting_suspends(coroutine, lambda: pool.note_suspended(lease))  # type: ignore[no-any-return]
    finally:
        pool.adjust(lease, call, 1)


def reject_if_exhausted() -> None:
    """Raise PoolExhausted for a request that has no thread yet when the wait queue is full."""
    own = _own()
    if own is not None:
        own.pool.reject_if_full(own.lease)


def note_streaming() -> None:
    """Let the thread of this request leave the bound while others wait, though it is at work."""
    own = _own()
    if own is not None:
        own.pool.note_streaming(own.lease)


def would_wait() -> bool:
    """Return whether a call would have to wait for the thread of this request, or for any."""
    own = _own()
    return own is not None and own.would_wait


def was_rejected() -> bool:
    """Return whether this request has waited too long for a thread."""
    own = _own()
    return own is not None and own.lease.was_rejected


def _own() -> RequestExecutor | None:
    executor = current_executor()
    return executor if isinstance(executor, RequestExecutor) else None

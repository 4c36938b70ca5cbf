"""All that is taken from the inside of Django and asgiref; a test tells when it changes."""

import asyncio
import contextvars
import inspect
import weakref
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from types import GeneratorType
from typing import Any

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.handlers.asgi import ASGIRequest
from django.dispatch import Signal, dispatcher

# They read, and leave nothing on the thread that another call of the same request could miss.
READS = "_fetch_all", "aggregate", "contains", "count", "exists", "first", "get", "last", "latest"
LEAVE_NOTHING = frozenset(f"django.db.models.query.QuerySet.{name}" for name in READS)


def _child(call: Callable[..., Any]) -> Any:
    # asgiref submits partial(thread_handler, …, partial(function, *arguments)).
    given = getattr(call, "args", None)
    return given[-1] if given else None


def leaves_nothing(call: Callable[..., Any]) -> bool:
    """Return whether ``call``, as asgiref hands it to an executor, is one of those above."""
    function = getattr(_child(call), "func", None)
    function = getattr(function, "__func__", function)
    name = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"
    return name in LEAVE_NOTHING


def unfinished(call: Callable[..., Any]) -> "weakref.ref[GeneratorType[Any, Any, Any]] | None":
    """
    Return the generator that ``call`` was handed and has not finished, if any.

    An async iteration over a queryset takes a generator further with each call, and its cursor is
    of the thread's connection.
    """
    for given in getattr(_child(call), "args", ()):
        if isinstance(given, GeneratorType) and is_unfinished(given):
            return weakref.ref(given)
    return None


def is_unfinished(generator: Any) -> bool:
    """Return whether the generator has begun and not ended."""
    return inspect.getgeneratorstate(generator) == inspect.GEN_SUSPENDED


def has_a_thread() -> bool:
    """Return whether whoever called us has said already where sync code is to run."""
    return (
        getattr(AsyncToSync.executors, "current", None) is not None
        or SyncToAsync.thread_sensitive_context.get(None) is not None
    )


def run_on(executor: Executor) -> "contextvars.Token[ThreadSensitiveContext]":
    """
    Have the thread-sensitive code of this context, and of its tasks, run on ``executor``.

    ThreadSensitiveContext can do so too, but refuses those that outlive it: a task that a view
    leaves behind may still come.
    """
    context = ThreadSensitiveContext()
    SyncToAsync.context_to_thread_executor[context] = executor
    return SyncToAsync.thread_sensitive_context.set(context)


def run_as_before(token: "contextvars.Token[ThreadSensitiveContext]") -> None:
    """Undo ``run_on``."""
    SyncToAsync.thread_sensitive_context.reset(token)


def executor_here() -> Executor | None:
    """Return what thread-sensitive code of this context runs on, when it was told by ``run_on``."""
    if getattr(AsyncToSync.executors, "current", None) is not None:
        return None
    return lent_here()


def lent_here() -> Executor | None:
    """Return what ``run_on`` told, also where a thread of it waits for this very coroutine."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    return None if context is None else SyncToAsync.context_to_thread_executor.get(context)


def count_calls(count: Callable[[int], None]) -> None:
    """
    Tell ``count`` 1 and -1, as each call begins and ends that the waiting thread is given.

    To be called from the coroutine that the thread waits for.
    """
    executor = AsyncToSync.executors.current
    submit = executor.submit

    def counted(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future = submit(function, *args, **kwargs)
        count(1)
        future.add_done_callback(lambda _: count(-1))
        return future  # type: ignore[no-any-return]

    executor.submit = counted


def receivers_of(signal: Signal, sender: Any) -> tuple[list[Any], list[Any]]:
    """Return the receivers that are called, and those that are awaited."""
    synchronous, awaited = signal._live_receivers(sender)
    return synchronous, awaited


async def run_parallel(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> None:
    """Await all of them, in this context as far as this Django does so."""
    if len(coroutines) == 1:
        await coroutines[0]
    else:
        await getattr(dispatcher, "_run_parallel", asyncio.gather)(*coroutines)


def open_caches() -> bool:
    """Return whether this context has opened a cache that must be closed."""
    opened = vars(caches).get("_connections")
    return any(
        type(cache).close is not BaseCache.close
        for alias in caches
        if (cache := getattr(opened, alias, None)) is not None
    )


def closers_of(response: Any) -> list[Callable[[], Any]]:
    """Return what is called when the response is closed."""
    closers: list[Callable[[], Any]] = response._resource_closers
    return closers


def only_computes(closer: Callable[[], Any]) -> bool:
    """Return whether ``closer`` closes a request that holds no file but its body."""
    if getattr(closer, "__func__", None) is not ASGIRequest.close:
        return False
    # Files that came with a form lie on the disk, or where an upload handler put them.
    return not getattr(getattr(closer, "__self__", None), "_files", None)


def close_resources(response: Any) -> None:
    """Do what ``HttpResponseBase.close`` does before it sends ``request_finished``."""
    for closer in response._resource_closers:
        # As there: one that fails keeps no other from being closed.
        with suppress(Exception):
            closer()
    response._resource_closers.clear()
    response.closed = True


def innermost(handler: Any) -> Callable[[Any], Any]:
    """Return what Django wraps the innermost middleware around."""
    return handler._get_response_async  # type: ignore[no-any-return]


def answers(handler: Any) -> Callable[[Any], Any]:
    """Return what Django made of all the middleware."""
    return handler._middleware_chain  # type: ignore[no-any-return]


def answer_by(handler: Any, answer: Callable[[Any], Any]) -> None:
    """Have Django ask ``answer`` in the place of that."""
    handler._middleware_chain = answer


def view_hooks(handler: Any) -> list[Any]:
    """Return what is asked before the view."""
    return handler._view_middleware  # type: ignore[no-any-return]


def template_hooks(handler: Any) -> list[Any]:
    """Return what is asked before a response is rendered."""
    return handler._template_response_middleware  # type: ignore[no-any-return]


def exception_hooks(handler: Any) -> list[Any]:
    """Return what is asked when the view fails."""
    return handler._exception_middleware  # type: ignore[no-any-return]


def is_logged(response: Any) -> bool:
    """Return whether Django has logged the response."""
    return getattr(response, "_has_been_logged", False)


def have_logged(response: Any) -> None:
    """Have Django take the response for one that it has logged."""
    response._has_been_logged = True

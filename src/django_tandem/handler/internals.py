"""The private API of Django and asgiref that the handler uses, named in SOURCES."""

import asyncio
import contextvars
import inspect
import logging
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
from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import Col
from django.db.models.lookups import Lookup
from django.dispatch import Signal, dispatcher

from django_tandem.handler.originals import is_original

_BASE = "django.core.handlers.base.BaseHandler"
_ASGI = "django.core.handlers.asgi.ASGIHandler"
_OF_BASE = (
    "load_middleware adapt_method_mode _get_response _get_response_async get_response_async "
    "resolve_request check_response make_view_atomic process_exception_by_middleware"
)
_OF_ASGI = (
    "__init__ __call__ handle listen_for_disconnect run_get_response read_body create_request "
    "send_response chunk_bytes"
)

# All that the handler knows the source of: where one differs, Django's own handler serves. The
# middleware that it knows is in known_middleware.py.
SOURCES = (
    *(f"{_BASE}.{name}" for name in _OF_BASE.split()),
    *(f"{_ASGI}.{name}" for name in _OF_ASGI.split()),
    "django.core.handlers.asgi.ASGIRequest.close",
    "django.core.handlers.base.reset_urlconf",
    "django.core.handlers.exception.convert_exception_to_response",
    "django.core.cache.close_caches",
    "django.contrib.messages.storage.base.BaseStorage",
    "django.contrib.sessions.backends.base.SessionBase",
    "django.contrib.sites.models.SiteManager",
    "django.db.close_old_connections",
    "django.db.reset_queries",
    "django.dispatch.dispatcher.Signal._live_receivers",
    "django.dispatch.dispatcher.Signal.asend",
    "django.http.request.HttpRequest.close",
    "django.http.response.HttpResponseBase.close",
    "django.utils.connection.BaseConnectionHandler",
    "django.utils.deprecation.MiddlewareMixin",
    "asgiref.current_thread_executor.CurrentThreadExecutor.submit",
    "asgiref.sync.AsyncToSync.__call__",
    "asgiref.sync.SyncToAsync.__call__",
    "asgiref.sync.SyncToAsync.thread_handler",
    "asgiref.sync.ThreadSensitiveContext",
)

# They read, and leave nothing on the thread that another call of the same request could miss.
READS = frozenset({"_fetch_all", "contains", "count", "exists", "first", "get", "last", "latest"})

logger = logging.getLogger("django_tandem.asgi")


# What a call leaves on its thread.


def leaves_nothing(call: Callable[..., Any]) -> bool:
    """Return whether ``call``, which has run on this thread, has left nothing that is needed."""
    bound = submitted_function(call)
    function = getattr(bound, "__func__", None)
    name = getattr(function, "__name__", "")
    return (
        name in READS
        and vars(QuerySet).get(name) is function
        # What wraps or replaces it may leave something.
        and is_original(QuerySet, name)
        and _is_plain(getattr(bound, "__self__", None))
        and not any(map(_is_expression, _arguments(_child(call))))
        and _is_autocommitting()
    )


def submitted_function(call: Callable[..., Any]) -> Any:
    """Return the function that ``sync_to_async`` was given, of the call that it submits."""
    return getattr(_child(call), "func", None)


def _child(call: Callable[..., Any]) -> Any:
    # asgiref submits partial(thread_handler, …, partial(function, *arguments)).
    arguments = getattr(call, "args", None)
    return arguments[-1] if arguments else None


def _arguments(call: Any) -> tuple[Any, ...]:
    return (*call.args, *call.keywords.values())


def _is_expression(value: Any) -> bool:
    return hasattr(value, "resolve_expression") or hasattr(value, "as_sql")


def _is_plain(queryset: Any) -> bool:
    # A function of the database may take a lock of the session, or set a variable of it.
    if not isinstance(queryset, QuerySet):
        return False
    query: Any = queryset.query
    prefetched: Any = vars(queryset)["_prefetch_related_lookups"]
    names = (*query.order_by, *prefetched)
    return (
        not (query.annotations or query.extra or query.combined_queries)
        and all(isinstance(name, str) for name in names)
        and _compares_columns(query.where)
    )


def _compares_columns(where: Any) -> bool:
    for child in where.children:
        if isinstance(child, Lookup):
            is_own = not type(child).__module__.startswith("django.db.models.")
            if is_own or not isinstance(child.lhs, Col) or _is_expression(child.rhs):
                return False
        elif not hasattr(child, "children") or not _compares_columns(child):
            return False
    return True


def _is_autocommitting() -> bool:
    return all(
        connection.autocommit and not (connection.in_atomic_block or connection.execute_wrappers)
        for connection in connections.all(initialized_only=True)
        if connection.connection is not None
    )


def unfinished_generators(
    call: Callable[..., Any],
) -> "list[weakref.ref[GeneratorType[Any, Any, Any]]]":
    """
    Return the generators that ``call`` was given and has not finished.

    An async iteration over a queryset advances a generator with each call, and its cursor
    belongs to the connection of the thread.
    """
    return [
        weakref.ref(argument)
        for argument in getattr(_child(call), "args", ())
        if isinstance(argument, GeneratorType) and is_unfinished(argument)
    ]


def is_unfinished(generator: Any) -> bool:
    """Return whether the generator has begun and not ended."""
    return inspect.getgeneratorstate(generator) == inspect.GEN_SUSPENDED


def has_open_transaction() -> bool:
    """Return whether ``atomic`` or ``set_autocommit`` has begun a transaction on this thread."""
    return any(
        connection.in_atomic_block
        or (
            connection.connection is not None
            and connection.autocommit != connection.settings_dict["AUTOCOMMIT"]
        )
        for connection in connections.all(initialized_only=True)
    )


def drop_open_transactions() -> None:
    """
    Roll back a transaction that was left open, and forget its connection.

    A view that was cancelled while it entered ``atomic`` never leaves it. Django closes such a
    connection too, but keeps it for the end of the block, so nobody could use it again.
    """
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block or connection.closed_in_transaction:
            logger.warning("Rolled back a transaction on %r that was left open.", connection.alias)
            del connections[connection.alias]
            connection.close()


# Where thread-sensitive code runs.


def has_executor() -> bool:
    """Return whether a caller has set already where thread-sensitive code runs."""
    return (
        getattr(AsyncToSync.executors, "current", None) is not None
        or SyncToAsync.thread_sensitive_context.get(None) is not None
    )


def run_on(executor: Executor) -> "contextvars.Token[ThreadSensitiveContext]":
    """
    Run the thread-sensitive code of this context, and of its tasks, on ``executor``.

    ThreadSensitiveContext can do so too, but fails for tasks that outlive it, which a view may
    leave behind.
    """
    context = ThreadSensitiveContext()
    SyncToAsync.context_to_thread_executor[context] = executor
    return SyncToAsync.thread_sensitive_context.set(context)


def undo_run_on(token: "contextvars.Token[ThreadSensitiveContext]") -> None:
    """Run thread-sensitive code where it ran before ``run_on``."""
    SyncToAsync.thread_sensitive_context.reset(token)


def current_executor() -> Executor | None:
    """Return what ``run_on`` set, unless a thread waits for this coroutine and runs its calls."""
    if getattr(AsyncToSync.executors, "current", None) is not None:
        return None
    return context_executor()


def context_executor() -> Executor | None:
    """Return what ``run_on`` set for this context."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    return None if context is None else SyncToAsync.context_to_thread_executor.get(context)


def observe_nested_calls(adjust: Callable[[int], None]) -> None:
    """
    Call ``adjust`` with 1 and -1 as each call begins and ends that the waiting thread gets.

    To be called from the coroutine that the thread waits for.
    """
    executor = AsyncToSync.executors.current
    submit = executor.submit

    def observed(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future = submit(function, *args, **kwargs)
        adjust(1)
        future.add_done_callback(lambda _: adjust(-1))
        return future  # type: ignore[no-any-return]

    executor.submit = observed


# Signals, caches and responses.


def receivers_of(signal: Signal, sender: Any) -> tuple[list[Any], list[Any]]:
    """Return the receivers that are called, and those that are awaited."""
    synchronous, asynchronous = signal._live_receivers(sender)
    return synchronous, asynchronous


async def run_parallel(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> None:
    """Await all of them, in this context as far as this Django does so."""
    if len(coroutines) == 1:
        await coroutines[0]
    else:
        await getattr(dispatcher, "_run_parallel", asyncio.gather)(*coroutines)


def has_open_caches() -> bool:
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
        # As in Django: one that fails keeps no other from being closed.
        with suppress(Exception):
            closer()
    response._resource_closers.clear()
    response.closed = True


def is_logged(response: Any) -> bool:
    """Return whether Django has logged the response."""
    return getattr(response, "_has_been_logged", False)


def mark_logged(response: Any) -> None:
    """Keep Django from logging the response."""
    response._has_been_logged = True


# The middleware chain.


def innermost_handler(handler: Any) -> Callable[[Any], Any]:
    """Return what Django wraps the innermost middleware around."""
    return handler._get_response_async  # type: ignore[no-any-return]


def middleware_chain(handler: Any) -> Callable[[Any], Any]:
    """Return what Django built from all the middleware."""
    return handler._middleware_chain  # type: ignore[no-any-return]


def set_middleware_chain(handler: Any, chain: Callable[[Any], Any]) -> None:
    """Replace what Django built from all the middleware."""
    handler._middleware_chain = chain


def view_hooks(handler: Any) -> list[Any]:
    """Return the adapted ``process_view`` methods."""
    return handler._view_middleware  # type: ignore[no-any-return]


def template_hooks(handler: Any) -> list[Any]:
    """Return the adapted ``process_template_response`` methods."""
    return handler._template_response_middleware  # type: ignore[no-any-return]


def exception_hooks(handler: Any) -> list[Any]:
    """Return the adapted ``process_exception`` methods."""
    return handler._exception_middleware  # type: ignore[no-any-return]

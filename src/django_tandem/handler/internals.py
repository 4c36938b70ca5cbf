"""The private API of Django and asgiref that the handler uses, named in SOURCES."""

import asyncio
import contextvars
import functools
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType, ModuleType
from typing import Any

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.handlers.asgi import ASGIRequest
from django.dispatch import Signal, dispatcher

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


# Whether a function of Django's is as Django wrote it. What instruments Django wraps its functions,
# replaces them, or rewrites their bytecode in place. The compiled module that Python itself would
# load shows what they were.


def is_original(owner: type | ModuleType, name: str) -> bool:
    """Return whether ``name`` of the class or module is Django's own function, unchanged."""
    function = vars(owner).get(name)
    if not isinstance(function, FunctionType):
        return False
    known = _known.get(function)
    if known is None or known[0] is not function.__code__:
        known = _known[function] = function.__code__, is_unchanged(function, _module_of(owner))
    return known[1]


# By function: its code when it was looked at, and whether it was unchanged.
_known: dict[FunctionType, tuple[CodeType, bool]] = {}


def is_unchanged(function: Any, module: str) -> bool:
    """Return whether it is a plain function of the module, with the code that it was written."""
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        return False
    if function.__module__ != module:
        return False
    return function.__code__ in _codes_of(module).get(function.__code__.co_qualname, ())


def _module_of(owner: type | ModuleType) -> str:
    return owner.__name__ if isinstance(owner, ModuleType) else owner.__module__


@functools.cache
def _codes_of(module: str) -> dict[str, list[CodeType]]:
    file = getattr(sys.modules.get(module), "__file__", None)
    # Not by the loader of the module: an agent may have put its own before it.
    code = _load_code(module, file) if file else None
    found: dict[str, list[CodeType]] = {}
    for each in _nested(code):
        found.setdefault(each.co_qualname, []).append(each)
    return found


def _load_code(module: str, file: str) -> CodeType | None:
    # Django may be installed without its sources, or in an archive: then nothing is known.
    try:
        return SourceFileLoader(module, file).get_code(module)
    except (OSError, SyntaxError, ValueError, ImportError):
        return None


def _nested(code: CodeType | None) -> Iterator[CodeType]:
    for constant in code.co_consts if code is not None else ():
        if isinstance(constant, CodeType):
            yield constant
            yield from _nested(constant)


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
    leave behind. ``executor`` must not refer to the context: the mapping would keep both for ever.
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


def submitted_function(call: Callable[..., Any]) -> Any:
    """Return the function that ``sync_to_async`` was given, of the call that it submits."""
    return getattr(submitted_call(call), "func", None)


def submitted_call(call: Callable[..., Any]) -> Any:
    """Return the partial of that function with its arguments."""
    # asgiref submits partial(thread_handler, …, partial(function, *arguments)).
    arguments = getattr(call, "args", None)
    return arguments[-1] if arguments else None


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
    """Return whether ``closer`` closes a request whose only file is its body."""
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

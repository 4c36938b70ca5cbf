"""The thread switches that settings.MIDDLEWARE costs a request on ASGI."""

from collections.abc import Iterable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string

from django_tandem.handler.known_middleware import find_declaration
from django_tandem.model import Middleware, Route
from django_tandem.project.importing import trying

# The receivers of request_started, and the close of the response with request_finished.
STOCK_HANDLER_SWITCHES = 2


def read_middleware(*, is_stock: bool) -> tuple[Middleware, ...]:
    """
    Return the cost of each of settings.MIDDLEWARE, outermost first, for a request to a view.

    No middleware is instantiated, so one that raises MiddlewareNotUsed is counted too.
    With ``is_stock`` for Django's own handler; ours switches for none of the classes it knows,
    unless they have to reach their storage.
    Raises ProjectError for one that can't be imported.
    """
    found: list[Middleware] = []
    # Django builds from the view outwards, and the mode of the inner one decides the next one's.
    inside_is_async = True
    for dotted in reversed(settings.MIDDLEWARE):
        factory = _imported(dotted)
        is_async = _runs_async(factory, inside_is_async=inside_is_async)
        is_known = not is_stock and find_declaration(factory) is not None
        costs = {
            **(_mixin_switches(factory) if is_async and not is_known else {}),
            # Consecutive synchronous ones share a thread: one switch into it, one out of it.
            **({"synchronous only": 2} if inside_is_async and not is_async else {}),
            # Django calls it from the event loop, in either mode of the middleware.
            **({} if is_known else _method(factory, "process_view")),
        }
        found.append(
            Middleware(
                dotted=dotted,
                thread_switches=sum(costs.values()),
                why=", ".join(costs),
                is_sync_only=not getattr(factory, "async_capable", False),
            )
        )
        inside_is_async = is_async
    return tuple(reversed(found))


def count_thread_switches(route: Route, middleware: Iterable[Middleware], *, is_stock: bool) -> int:
    """
    Return how often a request to ``route`` on ASGI switches between event loop and thread.

    For a synchronous view on our handler an upper bound: it may share a middleware's switch.
    """
    if not route.by_django:
        return 0
    view = 0 if route.view.is_coroutine else 1
    own = STOCK_HANDLER_SWITCHES if is_stock else 0
    return own + sum(each.thread_switches for each in middleware) + view


def _imported(dotted: str) -> Any:
    return trying(f'The middleware "{dotted}"', lambda: import_string(dotted))


def _runs_async(factory: Any, *, inside_is_async: bool) -> bool:
    # As in BaseHandler.load_middleware(): the mode changes only where it has to.
    if not inside_is_async and getattr(factory, "sync_capable", True):
        return False
    return bool(getattr(factory, "async_capable", False))


def _mixin_switches(factory: Any) -> dict[str, int]:
    # MiddlewareMixin runs its synchronous methods in a thread; the cost of others is unknown.
    if getattr(factory, "__acall__", None) is not MiddlewareMixin.__acall__:
        return {}
    return _method(factory, "process_request") | _method(factory, "process_response")


def _method(factory: Any, name: str) -> dict[str, int]:
    method = getattr(factory, name, None)
    return {} if method is None or iscoroutinefunction(method) else {name: 1}

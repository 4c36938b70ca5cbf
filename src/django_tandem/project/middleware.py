"""What settings.MIDDLEWARE costs a request on ASGI, counted as its handler goes through it."""

from collections.abc import Iterable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string

from django_tandem.handler.layers import declaration_of
from django_tandem.model import Middleware, Route
from django_tandem.project.importing import trying

# The receivers of request_started, and the close of the response with request_finished.
STOCK_HANDLERS_HOPS = 2


def read_middleware(*, is_stock: bool) -> tuple[Middleware, ...]:
    """
    Return what each of settings.MIDDLEWARE costs a request that goes all the way to its view.

    Outermost first. None of them is made, so one that turns out not to be used is counted.
    With ``is_stock`` it is counted for Django's own handler; ours takes no hop for a class that
    it knows, unless that has to reach its storage.
    Raises ProjectError for one that can't be imported.
    """
    found: list[Middleware] = []
    # Django builds from the view outwards, and what is inside decides how the next one runs.
    inside_is_async = True
    for dotted in reversed(settings.MIDDLEWARE):
        factory = _imported(dotted)
        is_async = _runs_async(factory, inside_is_async=inside_is_async)
        is_known = not is_stock and declaration_of(factory) is not None
        costs = {
            **(_crossings(factory) if is_async and not is_known else {}),
            # A run of synchronous ones is one thread: in at its outer end, out at its inner.
            **({"synchronous only": 2} if inside_is_async and not is_async else {}),
            # Asked by Django from the event loop, whatever mode the rest of it runs in.
            **({} if is_known else _method(factory, "process_view")),
        }
        found.append(
            Middleware(
                dotted=dotted,
                hops=sum(costs.values()),
                why=", ".join(costs),
                is_sync_only=not getattr(factory, "async_capable", False),
            )
        )
        inside_is_async = is_async
    return tuple(reversed(found))


def hops(route: Route, middleware: Iterable[Middleware], *, is_stock: bool) -> int:
    """
    Return how often a request to ``route`` on ASGI crosses between event loop and thread.

    It is the most for a synchronous view on our handler, which may share a thread's trip.
    """
    if not route.by_django:
        return 0
    view = 0 if route.view.is_coroutine else 1
    own = STOCK_HANDLERS_HOPS if is_stock else 0
    return own + sum(each.hops for each in middleware) + view


def _imported(dotted: str) -> Any:
    return trying(f'The middleware "{dotted}"', lambda: import_string(dotted))


def _runs_async(factory: Any, *, inside_is_async: bool) -> bool:
    # As BaseHandler.load_middleware() has it: no change of mode where none is needed.
    if not inside_is_async and getattr(factory, "sync_capable", True):
        return False
    return bool(getattr(factory, "async_capable", False))


def _crossings(factory: Any) -> dict[str, int]:
    # Its async mode runs its synchronous methods in a thread; another's is its own affair.
    if getattr(factory, "__acall__", None) is not MiddlewareMixin.__acall__:
        return {}
    return _method(factory, "process_request") | _method(factory, "process_response")


def _method(factory: Any, name: str) -> dict[str, int]:
    method = getattr(factory, name, None)
    return {} if method is None or iscoroutinefunction(method) else {name: 1}

"""Names in each response's headers the stack that it is from."""

from time import perf_counter

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware


@sync_and_async_middleware
def add_stack_headers(get_response):
    """
    Add `X-Stack`, and `Server-Timing` with the stack, the route and the milliseconds.

    On ASGI it is a coroutine itself, so that no request is taken to a thread for it.
    """
    if not settings.UNDER_THE_HOOD:
        raise MiddlewareNotUsed

    async def on_asgi(request: HttpRequest) -> HttpResponseBase:
        began = perf_counter()
        return _with_headers(await get_response(request), request, began)

    def on_wsgi(request: HttpRequest) -> HttpResponseBase:
        began = perf_counter()
        return _with_headers(get_response(request), request, began)

    return on_asgi if iscoroutinefunction(get_response) else on_wsgi


def _with_headers(
    response: HttpResponseBase, request: HttpRequest, began: float
) -> HttpResponseBase:
    stack = "asgi" if isinstance(request, ASGIRequest) else "wsgi"
    timing = f'stack;desc="{stack}", app;dur={(perf_counter() - began) * 1000:.1f}'
    found = getattr(request, "resolver_match", None)
    # A header is ASCII, and quotes and backslashes would end the description early.
    if found and found.route.isascii() and not set(found.route) & set('"\\'):
        timing += f', route;desc="/{found.route}"'
    response.headers["X-Stack"] = stack
    response.headers["Server-Timing"] = timing
    return response

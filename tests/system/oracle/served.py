"""The one project that serves every URLconf: a header says which."""

import functools
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import urlconfs
from asgiref.sync import iscoroutinefunction
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware
from oracle.generated import urlconf_of

HEADER = "X-Urlconf"
# Another one for ASGI, for two stacks that disagree.
HEADER_ON_ASGI = "X-Urlconf-On-Asgi"


@sync_and_async_middleware
def with_the_urlconf_that_is_asked_for(get_response: Callable[..., Any]) -> Callable[..., Any]:
    """Serve each request by the URLconf that it names, or that it spells out."""
    if not iscoroutinefunction(get_response):

        def middleware(request: HttpRequest) -> Any:
            choose(request)
            return get_response(request)

        return middleware

    async def async_middleware(request: HttpRequest) -> Any:
        choose(request)
        return await get_response(request)

    return async_middleware


def choose(request: HttpRequest) -> None:
    given = request.headers.get(HEADER)
    if isinstance(request, ASGIRequest):
        given = request.headers.get(HEADER_ON_ASGI, given)
    if given is not None:
        request.urlconf = read(given)


@functools.lru_cache(maxsize=4)
def read(header: str) -> str | ModuleType:
    if header.startswith("urlconfs"):
        return urlconfs.load(header).__name__
    return urlconf_of(json.loads(unquote(header)))

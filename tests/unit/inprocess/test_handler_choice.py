"""HTTP is served by Django where the project's router has no application for it."""

import asyncio

import oracle.configured  # noqa: F401 - to import it is to configure Django
import pytest
from channels.routing import ProtocolTypeRouter
from inprocess.calling import call, http, websocket

from django_tandem.handler.application import DjangoApplication
from django_tandem.inprocess.handler_choice import HttpFallback, with_our_handler


async def consumer(_scope, _receive, send):
    await send({"type": "websocket.accept"})


def test_a_router_without_http_gets_our_handler() -> None:
    """The router of a project that serves HTTP by WSGI alone."""
    router = ProtocolTypeRouter({"websocket": consumer})

    assert with_our_handler(router) is router
    assert isinstance(router.application_mapping["http"], DjangoApplication)
    assert router.application_mapping["websocket"] is consumer


def test_a_router_inside_a_wrapper_is_helped_out() -> None:
    """The wrapper sees each request first."""
    router = ProtocolTypeRouter({"websocket": consumer})
    seen = []

    async def wrapper(scope, receive, send):
        seen.append(scope["type"])
        await router(scope, receive, send)

    async def django(_scope, _receive, send):
        await send({"type": "django's"})

    fallback = HttpFallback(wrapper)
    fallback.__dict__["fallback"] = django

    assert call(fallback, http()) == [{"type": "django's"}]
    assert call(fallback, websocket()) == [{"type": "websocket.accept"}]
    assert seen == ["http", "websocket"]


def test_another_error_is_the_projects_own() -> None:
    """Also a ValueError."""

    async def failing(_scope, _receive, _send):
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        asyncio.run(HttpFallback(failing)(http(), None, None))

"""Our handler is put into the project's router."""

import oracle.configured  # noqa: F401 - to import it is to configure Django
from channels.routing import ProtocolTypeRouter

from django_tandem.handler.application import DjangoApplication
from django_tandem.inprocess.handler_choice import with_our_handler


async def consumer(_scope, _receive, send):
    await send({"type": "websocket.accept"})


def test_a_router_without_http_gets_our_handler() -> None:
    """The router of a project that serves HTTP by WSGI alone."""
    router = ProtocolTypeRouter({"websocket": consumer})

    assert with_our_handler(router) is router
    assert isinstance(router.application_mapping["http"], DjangoApplication)
    assert router.application_mapping["websocket"] is consumer

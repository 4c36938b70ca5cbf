"""Whose handler answers: Django's own, or ours, which `tandem up` puts in a bare one's place."""

import pytest
from django.core.handlers.asgi import ASGIHandler

from django_tandem.asgi.handler.application import DjangoApplication
from django_tandem.routing.asgi_tree import holds_stock_handler


class Derived(ASGIHandler):
    """A project's own, which keeps all that Django's does."""


def layer(inner):
    async def application(scope, receive, send):
        await inner(scope, receive, send)

    return application


@pytest.mark.parametrize("application", [None, ASGIHandler(), DjangoApplication()])
def test_ours_answers(application) -> None:
    """Where the project has none, an untouched one, or ours."""
    assert not holds_stock_handler(application)
    assert not holds_stock_handler(layer(DjangoApplication()))


@pytest.mark.parametrize("application", [layer(ASGIHandler()), Derived(), layer(Derived())])
def test_djangos_answers(application) -> None:
    """Inside of a layer, and as a class of the project's own."""
    assert holds_stock_handler(application)

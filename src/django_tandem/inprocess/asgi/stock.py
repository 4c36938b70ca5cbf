"""Django's own handler inside the project's application, and ours in its place."""

from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler

from django_tandem.handler.application import DjangoApplication
from django_tandem.handler.original import is_original

# What ours does in another way, and asks nothing that was put in its place.
_OURS_ALONE = (
    (ASGIHandler, "handle"),
    (ASGIHandler, "send_response"),
    (BaseHandler, "adapt_method_mode"),
)


def replaceable(application: object) -> ASGIHandler | None:
    """
    Return the handler of Django's own that ours can take the place of, or ``None``.

    It is the whole application, or what a Channels router has for HTTP. In a layer of the
    project's own it is not looked for: who else holds it there can't be told.
    """
    http = _mapping(application).get("http", application)
    # A subclass keeps what the project added to it, and a class what instruments it.
    is_djangos = type(http) is ASGIHandler and all(is_original(*each) for each in _OURS_ALONE)
    return http if is_djangos else None


def replaced(application: Any) -> Any:
    """Return the application with ours in that place; a router is changed, and returned."""
    stock = replaceable(application)
    if stock is None:
        return application
    # Not by get_asgi_application(): the project has set Django up, and its logging since.
    ours = DjangoApplication()
    if stock is application:
        return ours
    _mapping(application)["http"] = ours
    return application


def _mapping(application: object) -> dict[str, Any]:
    # Channels' ProtocolTypeRouter, and what derives from it, asks it for each connection.
    mapping = getattr(application, "application_mapping", None)
    return mapping if isinstance(mapping, dict) else {}

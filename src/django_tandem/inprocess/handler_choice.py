"""Replaces Django's own ASGI handler inside the project's application by ours."""

from dataclasses import asdict
from typing import Any, cast

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler

from django_tandem.handler.application import DjangoApplication, should_serve
from django_tandem.handler.internals import is_original
from django_tandem.handler.pools import request_counts
from django_tandem.handler.protocol import Application
from django_tandem.model.scoreboard import DJANGOS, OURS

# Methods that our handler does not call. Where one of them is patched, Django's handler stays.
_BYPASSED = (
    (ASGIHandler, "handle"),
    (ASGIHandler, "send_response"),
    (BaseHandler, "adapt_method_mode"),
)


def replaceable_handler(application: object) -> ASGIHandler | None:
    """
    Return the handler of Django that ours can replace, or ``None``.

    It is either the whole application or what a Channels router has for HTTP. Inside a wrapper
    of the project's own it is left alone: other objects may hold a reference to it.
    """
    http = _mapping(application).get("http", application)
    # A subclass has additions of the project, and a patched class those of an instrumentation.
    is_plain = type(http) is ASGIHandler and all(is_original(*each) for each in _BYPASSED)
    return http if is_plain else None


def with_our_handler(application: Any) -> Any:
    """
    Return the application with our handler in it; a router is changed in place.

    A router without "http" gets one too: a project that serves HTTP by WSGI alone has none.
    """
    mapping = _mapping(application)
    has_no_http = bool(mapping) and "http" not in mapping
    stock = replaceable_handler(application)
    if not has_no_http and (stock is None or not should_serve()):
        return application
    ours = new_handler()
    if stock is application and not has_no_http:
        return ours
    mapping["http"] = ours
    return application


def handler_name() -> str:
    """Return whose handler serves in this process, as `tandem status` prints it."""
    return OURS if DjangoApplication.is_made else DJANGOS


def count_threads() -> dict[str, int]:
    """Return the counts of the threads for requests; empty before the first of them."""
    counts = request_counts()
    return asdict(counts) if counts else {}


def new_handler() -> Application:
    """Return a handler of Django's URLconf: ours, or Django's own where it must be."""
    # Not by get_asgi_application(): the project has already set Django and its logging up.
    return cast(Application, DjangoApplication() if should_serve() else ASGIHandler())


def _mapping(application: object) -> dict[str, Any]:
    # Channels' ProtocolTypeRouter, and its subclasses, look it up for each connection.
    mapping = getattr(application, "application_mapping", None)
    return mapping if isinstance(mapping, dict) else {}

"""The project's WSGI application, and what is put around it in each process that serves it."""

import os
import select
import sys
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from django_tandem import environment
from django_tandem.inprocess import (
    channel_layers,
    direct_gateway,
    handover_counts,
    peer_trust,
    routed_request,
    tracing,
)
from django_tandem.inprocess.blocked_routes import WsgiBlockedRoutes, of_process
from django_tandem.inprocess.debug_static_files import with_static_files
from django_tandem.inprocess.direct_gateway import WsgiDirectGateway, WsgiNormalPath
from django_tandem.inprocess.handover import WsgiHandover
from django_tandem.inprocess.manage_py import run_named_manage_py
from django_tandem.inprocess.peer_trust import WsgiPeerTrust
from django_tandem.inprocess.policy import read_pins
from django_tandem.inprocess.proxy_headers import WsgiProxyHeaders
from django_tandem.inprocess.readiness import WsgiReadiness
from django_tandem.inprocess.request_id import WsgiRequestId
from django_tandem.inprocess.scoreboard_layers import WsgiScoreboard, scoreboard_of
from django_tandem.inprocess.streaming import with_request_limit
from django_tandem.inprocess.urlconf import import_urlconf
from django_tandem.model import Stack


def load_wsgi() -> WSGIApplication:
    """Return the application that the environment names, else Django's own."""
    # Before the project is loaded, as it applies to handlers that are made from then on.
    routed_request.install(read_pins())
    tracing.install()
    dotted = os.environ.get(environment.WSGI_APPLICATION)
    if not dotted:
        run_named_manage_py()
    application: WSGIApplication = import_string(dotted) if dotted else get_wsgi_application()
    import_urlconf()
    return application


def add_wsgi_layers(project: WSGIApplication) -> WSGIApplication:
    """
    Return the loaded project in the layers of WSGI, which belong to one process.

    The innermost comes first. The layers that ASGI has too are in the order of asgi_layers.py.
    """
    channel_layers.install_reconnecting()
    application: WSGIApplication = with_static_files(project, Stack.WSGI)
    application = WsgiHandover(application, read_pins(), handover_counts.from_environment())
    if direct_gateway.is_enabled():
        application = WsgiNormalPath(application, read_pins())
    if blocked := of_process():
        application = WsgiBlockedRoutes(application, blocked)
    application = WsgiProxyHeaders(application, settings.FORCE_SCRIPT_NAME or "")
    application = WsgiRequestId(with_request_limit(application))
    application = SkipDisconnectedClients(application)
    board = scoreboard_of(Stack.WSGI, dict)
    if board is not None:
        application = WsgiScoreboard(application, board)
    application = WsgiReadiness(application)
    if direct_gateway.is_enabled():
        return WsgiDirectGateway(application, settings.FORCE_SCRIPT_NAME or "")
    secret = peer_trust.from_environment()
    return application if secret is None else WsgiPeerTrust(application, secret)


class SkipDisconnectedClients:
    """
    Answers a request with 499 if the edge has closed its connection.

    An overloaded server would otherwise work on requests that timed out, and be late for the
    others; and a POST would be done although its client got 504.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        connection = connection_of(environ)
        if connection is None or not is_closed(connection):
            return self.application(environ, start_response)
        # The status that NGINX logs; nobody reads it.
        start_response("499 Client Closed Request", [("Content-Length", "0")])
        return []


def connection_of(environ: WSGIEnvironment) -> Any:
    """Return the socket or descriptor of the connection, or None if the server hides it."""
    if "gunicorn.socket" in environ:
        return environ["gunicorn.socket"]
    if "waitress.client_disconnected" in environ:
        # A method of the channel. Its own result comes too late: Waitress' loop has not polled
        # the socket yet when the request starts.
        return environ["waitress.client_disconnected"].__self__.socket
    if "uwsgi.version" in environ:
        return sys.modules["uwsgi"].connection_fd()
    return None


def is_closed(connection: Any) -> bool:
    """Return whether the peer has closed both directions: a half-closed one still reads."""
    poll = select.poll()
    # An empty event mask reports hang-ups and errors only.
    poll.register(connection, 0)
    return bool(poll.poll(0))

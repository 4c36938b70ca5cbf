"""Begins no request that nobody waits for any more: its client left while it was in the queue."""

import select
import sys
from typing import Any

from django_tandem.inprocess.wsgi.protocol import Application, Body, Environ, StartResponse


class Awaited:
    """
    Lets a request pass unless the edge has closed its connection.

    A server under overload would else work on what was given up, and be late for the rest;
    and a POST would be done whose client was told 504.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Body:
        connection = connection_of(environ)
        if connection is None or not is_closed(connection):
            return self.application(environ, start_response)
        # As NGINX logs it; nobody reads it.
        start_response("499 Client Closed Request", [("Content-Length", "0")])
        return []


def connection_of(environ: Environ) -> Any:
    """Return the connection's socket or descriptor, None from a server that keeps it to itself."""
    if "gunicorn.socket" in environ:
        return environ["gunicorn.socket"]
    if "waitress.client_disconnected" in environ:
        # A method of the connection. What it tells itself comes too late: its loop has not
        # looked yet when the request is begun.
        return environ["waitress.client_disconnected"].__self__.socket
    if "uwsgi.version" in environ:
        return sys.modules["uwsgi"].connection_fd()
    return None


def is_closed(connection: Any) -> bool:
    """Return whether the other side has closed both ways: a half-closed one still listens."""
    poll = select.poll()
    # Asked for nothing, it tells of hang-ups and errors alone.
    poll.register(connection, 0)
    return bool(poll.poll(0))

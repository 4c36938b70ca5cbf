"""Skips requests whose client has left while they waited in the queue."""

import select
import sys
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


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

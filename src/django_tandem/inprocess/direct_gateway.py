"""
Serves the requests of a gateway that routes to the stacks without our edge.

Its headers are a client's, as far as this process knows: the address of a request is that of the
connection, and Django's settings say which header to trust. No request is handed over.
"""

import os
import re
from collections.abc import Iterable
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.urls import Resolver404, resolve
from django.utils.http import escape_leading_slashes

from django_tandem import environment
from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess.access_log import START_HEADER
from django_tandem.inprocess.denial import Denial
from django_tandem.inprocess.handover import HANDED_HEADER
from django_tandem.inprocess.policy import decide_request
from django_tandem.inprocess.proxy_headers import (
    EDGE_HEADER,
    QUERY_SAFE,
    decoded_path,
    environ_key,
    raw_target_of_environ,
    raw_target_of_scope,
    split_target,
)
from django_tandem.inprocess.readiness import is_health_check
from django_tandem.model import Pin, Stack
from django_tandem.model.peers import is_loopback
from django_tandem.model.readiness import MIGRATIONS_PATH

# What only the edge may send: its readers take its presence for the edge's.
EDGE_HEADERS = (EDGE_HEADER, HANDED_HEADER, START_HEADER)
# Characters that no client encodes (RFC 3986), and the slash, which Django decodes too.
_NEEDLESSLY_ENCODED = re.compile(rb"%(?:2[D-Fd-f]|3\d|[46][1-9A-Fa-f]|[57][\dAa]|5[Ff]|7[Ee])")

NOT_FOUND = Denial(status=404)
_KEYS = tuple(map(environ_key, EDGE_HEADERS))
_NAMES = frozenset(name.encode() for name in EDGE_HEADERS)


def is_enabled() -> bool:
    """Return whether requests come from a gateway, and not from our edge."""
    return os.environ.get(environment.GATEWAY) == environment.DIRECT


def normalize_target(target: bytes) -> str:
    """Return ``target`` without needless percent-encoding in its path, as gateways compare it."""
    path, mark, query = target.partition(b"?")
    decoded = _NEEDLESSLY_ENCODED.sub(lambda found: bytes([int(found[0][1:], 16)]), path)
    # Two slashes in front would name another host.
    return str(escape_leading_slashes(quote(decoded + mark + query, safe=QUERY_SAFE)))


class WsgiDirectGateway:
    """The outermost layer: no header of the edge, and the path below the script name."""

    def __init__(self, application: WSGIApplication, script_name: str) -> None:
        self.application = application
        self.script_name = script_name

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        for key in _KEYS:
            environ.pop(key, None)
        if self.script_name:
            target = split_target(raw_target_of_environ(environ), self.script_name)
            environ["SCRIPT_NAME"] = target.script_name
            environ["PATH_INFO"] = target.path_info.decode("latin-1")
        # It reads the database, and the probes are on this host. Only now is it the path that
        # WsgiReadiness compares.
        if environ.get("PATH_INFO") == MIGRATIONS_PATH and not _is_own(environ):
            start_response(NOT_FOUND.line, NOT_FOUND.headers)
            return [NOT_FOUND.text.encode()]
        return self.application(environ, start_response)


def _is_own(environ: WSGIEnvironment) -> bool:
    address = environ.get("REMOTE_ADDR", "")
    return not address or is_loopback(address)


class WsgiNormalPath:
    """
    Redirects a path for ASGI to its normal form.

    A gateway that compares paths as they were written takes it for another one, and sends it here.
    """

    def __init__(self, application: WSGIApplication, pins: tuple[Pin, ...]) -> None:
        self.application = application
        self.pins = pins

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        target = raw_target_of_environ(environ)
        normal = normalize_target(target) if b"%" in target else ""
        is_normal = not normal or normal == target.decode("latin-1")
        if is_normal or not self._is_for_asgi(environ.get("PATH_INFO", "")):
            return self.application(environ, start_response)
        headers = [("Location", normal), ("Content-Length", "0")]
        start_response("308 Permanent Redirect", headers)
        return []

    def _is_for_asgi(self, path_info: str) -> bool:
        path = path_info.encode("latin-1").decode(errors="replace")
        try:
            match = resolve(path)
        except Resolver404:
            return False
        return decide_request(match, match.func, path, self.pins).stack is Stack.ASGI


class AsgiDirectGateway:
    """The outermost layer: no header of the edge, and the path below the script name."""

    def __init__(self, application: Application, script_name: str) -> None:
        self.application = application
        self.script_name = script_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = [pair for pair in scope["headers"] if pair[0].lower() not in _NAMES]
            scope = {**scope, "headers": headers}
            # Health checks have no script name.
            if self.script_name and not is_health_check(scope):
                target = split_target(raw_target_of_scope(scope), self.script_name)
                scope |= {"root_path": target.script_name, "path": decoded_path(target)}
        await self.application(scope, receive, send)

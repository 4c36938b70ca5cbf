"""
Rejects requests that do not come from the edge, where the edge is on another host.

A stack trusts the headers of the edge: the client's address, the request's id, the handover. On
a network, anybody could send them. With a secret that edge and stacks share, a request without
it gets 403 before any of those headers is read.
"""

import hmac
import logging
import os
import time
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django_tandem import environment
from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess.denial import Denial, deny
from django_tandem.inprocess.proxy_headers import environ_key
from django_tandem.inprocess.readiness import is_health_check, is_wsgi_health_check
from django_tandem.model.peers import SECRET_HEADER

# One line for as long: a scan of the network must not fill the log.
LOG_EVERY_S = 60.0

REJECTION = Denial(status=403, close_code=1008)
# A socket that listens on IPv6 gives an IPv4 address in this form.
MAPPED_IPV4 = "::ffff:"

_KEY = environ_key(SECRET_HEADER)
_NAME = SECRET_HEADER.encode()

logger = logging.getLogger("django_tandem")


class PeerSecret:
    """
    The secret of the edge, and the log of requests without it.

    A text with spaces is several secrets, each of which is accepted while one replaces another.
    """

    def __init__(self, secret: str, now: Callable[[], float] = time.monotonic) -> None:
        self._secrets = [each.encode() for each in secret.split()]
        self._now = now
        self._logged_at = float("-inf")

    def matches(self, given: bytes | None, peer: str) -> bool:
        """Return whether ``given`` is a secret; log at most once a minute that it is not."""
        # In constant time: how long a comparison takes must not reveal a part of the secret.
        if given is not None and any(hmac.compare_digest(given, each) for each in self._secrets):
            return True
        self._log("no" if given is None else "a wrong", peer)
        return False

    def _log(self, what: str, peer: str) -> None:
        if self._now() - self._logged_at < LOG_EVERY_S:
            return
        self._logged_at = self._now()
        logger.warning(
            "A request from %s with %s X-Tandem-Secret was rejected with 403.",
            peer.removeprefix(MAPPED_IPV4) or "the Unix socket",
            what,
        )


def from_environment() -> PeerSecret | None:
    """Return the secret of this process, None where none is needed."""
    secret = os.environ.get(environment.PEER_SECRET)
    return PeerSecret(secret) if secret else None


class WsgiPeerTrust:
    """The outermost layer: passes on requests of the edge, and health checks."""

    def __init__(self, application: WSGIApplication, secret: PeerSecret) -> None:
        self.application = application
        self.secret = secret

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.pop(_KEY, None)
        if is_wsgi_health_check(environ):
            return self.application(environ, start_response)
        value = None if given is None else given.encode("latin-1")
        if self.secret.matches(value, environ.get("REMOTE_ADDR", "")):
            return self.application(environ, start_response)
        start_response(REJECTION.line, REJECTION.headers)
        return [REJECTION.text.encode()]


class AsgiPeerTrust:
    """The outermost layer: passes on requests and handshakes of the edge, and health checks."""

    def __init__(self, application: Application, secret: PeerSecret) -> None:
        self.application = application
        self.secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.application(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name.lower() == _NAME]
        if given:
            headers = [pair for pair in scope["headers"] if pair[0].lower() != _NAME]
            scope = {**scope, "headers": headers}
        # As WSGI servers join the values of a repeated header.
        value = b",".join(given) if given else None
        if is_health_check(scope) or self.secret.matches(value, _client_of(scope)):
            await self.application(scope, receive, send)
        else:
            await deny(REJECTION, scope, receive, send)


def _client_of(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""

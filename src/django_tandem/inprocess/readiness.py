"""
Answers the health checks that reach a server's socket directly.

The path belongs to the project for requests that come through the edge.
"""

from collections.abc import Awaitable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess.proxy_headers import EDGE_HEADER, environ_key
from django_tandem.model.readiness import MIGRATIONS_PATH, READY_PATH

READY_BODY = b"ready"

_EDGE_KEY = environ_key(EDGE_HEADER)
_EDGE_NAME = EDGE_HEADER.encode()


def _migrations() -> bytes:
    # Imported by the workers that are requested, and in no other project.
    from django_tandem.inprocess import migrations  # noqa: PLC0415

    return migrations.response_body()


WSGI_ANSWERS = {READY_PATH: lambda: READY_BODY, MIGRATIONS_PATH: _migrations}


def is_wsgi_health_check(environ: WSGIEnvironment) -> bool:
    """Return whether the request is a health check that bypassed the edge."""
    return environ.get("PATH_INFO") == READY_PATH and not environ.get(_EDGE_KEY)


class WsgiReadiness:
    """Answers health checks, and passes on everything else."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        read = WSGI_ANSWERS.get(environ.get("PATH_INFO", ""))
        if read is None or environ.get(_EDGE_KEY):
            return self.application(environ, start_response)
        body = read()
        length = str(len(body))
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", length)])
        return [body]


class AsgiReadiness:
    """Answers health checks by HTTP and by WebSocket, and passes on everything else."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if not is_health_check(scope):
            return self.application(scope, receive, send)
        if scope["type"] == "websocket":
            return _accept_and_close(receive, send)
        return _answer(send)


def is_health_check(scope: Scope) -> bool:
    """Return whether the request or handshake is a health check that bypassed the edge."""
    return (
        scope["type"] in ("http", "websocket")
        and scope["path"] == READY_PATH
        and not any(name.lower() == _EDGE_NAME for name, _ in scope["headers"])
    )


async def _answer(send: Send) -> None:
    length = str(len(READY_BODY)).encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": READY_BODY})


async def _accept_and_close(receive: Receive, send: Send) -> None:
    # Not every server has a WebSocket implementation installed: only a handshake proves it.
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 1000})

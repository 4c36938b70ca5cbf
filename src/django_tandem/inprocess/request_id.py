"""Sets the request id of the edge for the code of the project, for the length of a request."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess.proxy_headers import environ_key
from django_tandem.inprocess.wsgi_responses import EndingBody, is_ended
from django_tandem.request_id import CURRENT_REQUEST_ID

# The edge sets it on every request: no client chooses it.
HEADER = "x-request-id"
_KEY = environ_key(HEADER)
_NAME = HEADER.encode()


class WsgiRequestId:
    """Sets the id until the response is closed: a stream logs with it too."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        CURRENT_REQUEST_ID.set(environ.get(_KEY, ""))
        try:
            body = self.application(environ, start_response)
        except BaseException:
            CURRENT_REQUEST_ID.set("")
            raise
        if is_ended(body, environ):
            CURRENT_REQUEST_ID.set("")
            return body
        return EndingBody(body, _reset)


def _reset() -> None:
    CURRENT_REQUEST_ID.set("")


class AsgiRequestId:
    """Sets the id for the task of a request or WebSocket, and for what it starts."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope.get("headers", ()) if name == _NAME), b"")
        # One task of a server may run several requests, one after the other.
        token = CURRENT_REQUEST_ID.set(given.decode("latin-1"))
        try:
            await self.application(scope, receive, send)
        finally:
            CURRENT_REQUEST_ID.reset(token)

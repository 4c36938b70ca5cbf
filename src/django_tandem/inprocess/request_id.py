"""Sets the request id of the edge for the code of the project, for the length of a request."""

from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess.proxy_headers import environ_key
from django_tandem.request_id import CURRENT

# The edge sets it on every request: no client chooses it.
HEADER = "x-request-id"
_KEY = environ_key(HEADER)
_NAME = HEADER.encode()


class WsgiRequestId:
    """Sets the id until the response is closed: a stream logs with it too."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        CURRENT.set(environ.get(_KEY, ""))
        try:
            body = self.application(environ, start_response)
        except BaseException:
            CURRENT.set("")
            raise
        if isinstance(body, list | tuple) or _is_file(body, environ):
            # A server sends a file by other means than by iterating it.
            CURRENT.set("")
            return body
        return _Body(body)


def _is_file(body: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    # That of uWSGI is a function, which returns the file itself.
    return hasattr(body, "read") or (isinstance(wrapper, type) and isinstance(body, wrapper))


class _Body:
    """The body of a response, at whose end the request's id does."""

    __slots__ = ("_body",)

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """Close the project's body, which may log."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            CURRENT.set("")


class AsgiRequestId:
    """Sets the id for the task of a request or WebSocket, and for what it starts."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope.get("headers", ()) if name == _NAME), b"")
        # One task of a server may run several requests, one after the other.
        token = CURRENT.set(given.decode("latin-1"))
        try:
            await self.application(scope, receive, send)
        finally:
            CURRENT.reset(token)

"""The outermost layer of each stack: it writes each request to the slot of this process."""

import functools
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django_tandem.handler.cpu_time import CURRENT, await_measured
from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess import access_log, request_id
from django_tandem.inprocess.connection_counts import ROUTE
from django_tandem.inprocess.proxy_headers import environ_key
from django_tandem.inprocess.readiness import is_health_check
from django_tandem.inprocess.scoreboard import REQUEST, ActiveRequest, Scoreboard
from django_tandem.inprocess.wsgi_bodies import EndingBody, is_ended

_ID_KEY = environ_key(request_id.HEADER)
_ID_NAME = request_id.HEADER.encode()
# By which the edge names the route of a WebSocket, as Channels keeps none.
_ROUTE_NAME = access_log.ROUTE_HEADER.lower().encode()


def measures_cpu() -> bool:
    """Return whether the CPU time of each request is sent to the edge."""
    return access_log.is_enabled()


class WsgiScoreboard:
    """Begins and ends the requests of this process."""

    def __init__(self, application: WSGIApplication, board: Scoreboard) -> None:
        self.application = application
        self.board = board

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        board = self.board
        board.start()
        request = board.begin(
            environ["REQUEST_METHOD"], _path_of(environ), environ.get(_ID_KEY, "")
        )
        if request.cpu is not None:
            request.cpu.start()
        environ[REQUEST] = request
        try:
            body = self.application(environ, start_response)
        except BaseException:
            board.end(request)
            raise
        if is_ended(body, environ):
            board.end(request)
            return body
        return EndingBody(body, functools.partial(board.end, request))


def _path_of(environ: WSGIEnvironment) -> str:
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1").decode(errors="replace")


class AsgiScoreboard:
    """Begins and ends the requests of this process; WebSockets are counted by the drain."""

    def __init__(self, application: Application, board: Scoreboard) -> None:
        self.application = application
        self.board = board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.board.start_on_loop()
        if scope["type"] == "websocket":
            await self.application(_with_route(scope), receive, send)
        elif scope["type"] != "http" or is_health_check(scope):
            await self.application(scope, receive, send)
        else:
            await self._respond(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope["headers"] if name == _ID_NAME), b"")
        request = self.board.begin(scope["method"], scope["path"], given.decode("latin-1"))
        # One task of a server may run several requests, one after the other.
        token = CURRENT.set(request.cpu)
        try:
            await self._call({**scope, REQUEST: request}, request, receive, send)
        finally:
            CURRENT.reset(token)
            self.board.end(request)

    async def _call(
        self, scope: Scope, request: ActiveRequest, receive: Receive, send: Send
    ) -> None:
        if request.cpu is None:
            await self.application(scope, receive, send)
            return
        request.call = self._coroutine(scope, receive, send)
        try:
            await await_measured(request.call, request.cpu)
        finally:
            request.call = None

    async def _coroutine(self, scope: Scope, receive: Receive, send: Send) -> None:
        # An application may return any awaitable.
        await self.application(scope, receive, send)


def _with_route(scope: Scope) -> Scope:
    route = next((value for name, value in scope["headers"] if name == _ROUTE_NAME), b"")
    headers = [pair for pair in scope["headers"] if pair[0] != _ROUTE_NAME]
    return {**scope, "headers": headers, ROUTE: route.decode("latin-1")}

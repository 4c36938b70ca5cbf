"""The layer of each stack that writes each request to the slot of this process."""

import contextlib
import functools
from collections.abc import Awaitable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django_tandem.handler.cpu_delay import DelaySampling
from django_tandem.handler.cpu_time import CURRENT, CpuTime, ProcessCpuTime, await_measured
from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess import access_log, greenlets, request_id, scoreboard, slow_requests
from django_tandem.inprocess.connection_counts import ROUTE
from django_tandem.inprocess.proxy_headers import environ_key
from django_tandem.inprocess.scoreboard import REQUEST, Details, Scoreboard
from django_tandem.inprocess.slow_requests import SlowRequests
from django_tandem.inprocess.wsgi_responses import EndingBody, is_ended
from django_tandem.model import Stack

_ID_KEY = environ_key(request_id.HEADER)
_ID_NAME = request_id.HEADER.encode()
# By which the edge names the route of a WebSocket, as Channels keeps none.
_ROUTE_NAME = access_log.ROUTE_HEADER.lower().encode()


def scoreboard_of(stack: Stack, details: Details, *, knows_cpu: bool = True) -> Scoreboard | None:
    """
    Return the scoreboard of this process, None without a run directory.

    With ``knows_cpu`` the CPU time of its requests can be measured.
    """
    slow_s = slow_requests.limit_s()
    is_read = access_log.is_enabled() or slow_s is not None
    board = scoreboard.from_environment(stack, details, measures_cpu=knows_cpu and is_read)
    if board is not None and slow_s is not None:
        board.on_start = SlowRequests(board, slow_s).start
    return board


class WsgiScoreboard:
    """Begins and ends the requests of this process."""

    def __init__(self, application: WSGIApplication, board: Scoreboard) -> None:
        self.application = application
        self.board = board
        self.sampling = DelaySampling()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        board = self.board
        board.start()
        request = board.begin(
            environ["REQUEST_METHOD"], _path_of(environ), environ.get(_ID_KEY, "")
        )
        if (greenlet := greenlets.current()) is not None:
            # Its thread runs other requests, too, whose CPU time is not this one's.
            request.call, request.greenlet_thread = greenlet, greenlets.thread()
        elif board.measures_cpu:
            request.cpu = self._cpu_time_of(environ)
        environ[REQUEST] = request
        try:
            body = self.application(environ, start_response)
        except BaseException:
            board.end(request)
            raise
        if is_ended(body, environ):
            board.end(request)
            return body
        return _RequestBody(body, functools.partial(board.end, request))

    def _cpu_time_of(self, environ: WSGIEnvironment) -> CpuTime | ProcessCpuTime:
        if environ.get("wsgi.multithread") is False:
            return ProcessCpuTime(self.sampling)
        cpu = CpuTime()
        cpu.start()
        return cpu


class _RequestBody(EndingBody):
    """A body whose request also ends where the server drops it without closing it."""

    __slots__ = ()

    def __del__(self) -> None:
        self.end()


def _path_of(environ: WSGIEnvironment) -> str:
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1").decode(errors="replace")


class AsgiScoreboard:
    """
    Begins and ends the requests of this process, whose slot is open.

    WebSockets are counted by the drain.
    """

    def __init__(self, application: Application, board: Scoreboard) -> None:
        self.application = application
        self.board = board

    # Not a coroutine function: its frame would last as long as a WebSocket.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            return self._respond(scope, receive, send)
        if scope["type"] == "websocket":
            _move_route(scope)
        return self.application(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = _header(scope, _ID_NAME)
        request = self.board.begin(scope["method"], scope["path"], given)
        request.cpu = cpu = CpuTime() if self.board.measures_cpu else None
        # One task of a server may run several requests, one after the other.
        token = CURRENT.set(cpu)
        try:
            call = self.application({**scope, REQUEST: request}, receive, send)
            request.call = call
            if cpu is None:
                await call
            else:
                await await_measured(call, cpu)
        finally:
            # It holds the request, too.
            request.call = None
            self.board.end(request)
            # A coroutine that is abandoned is closed in another context.
            with contextlib.suppress(ValueError):
                CURRENT.reset(token)


def _move_route(scope: Scope) -> None:
    # In the server's own scope: a WebSocket lasts, and each copy with it.
    scope[ROUTE] = _header(scope, _ROUTE_NAME)
    scope["headers"] = [pair for pair in scope["headers"] if pair[0] != _ROUTE_NAME]


def _header(scope: Scope, wanted: bytes) -> str:
    for name, value in scope["headers"]:
        if name == wanted:
            return str(value, "latin-1")
    return ""

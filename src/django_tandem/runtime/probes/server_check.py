"""The readiness requests to one server, shared by all probes; asyncio's."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from django_tandem.model import Bind
from django_tandem.model.state import State

# An answer counts for so long: a burst of probes costs a server one request.
FRESH_S = 1.0
# The worker that has taken a request may hang while others serve: then another one is sent.
RESEND_S = 5.0
# Each takes a place in the queue of a server that is busy.
MOST_PENDING = 3
LONGEST_ANSWER = 65_536
# A thread that waits for its turn in a queue ends after this time.
TURN_S = 60
# Of a stack's readiness; an INCLUDE of the edge may redirect or reject the edge's own request.
SUCCESS_OF_STACK = (HTTPStatus.OK,)
SUCCESS_OF_EDGE = range(200, 500)
HEADERS = b"Host: localhost\r\nConnection: close\r\n"
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAnswer:
    """The answer of a server."""

    status: int
    body: bytes


class NotListeningError(Exception):
    """No server listens at the address."""


Open = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class ServerCheck:
    """
    One server, and the requests that it has not answered yet.

    A request stays pending until it is answered, rather than for a short time: a server that is
    busy would still have to accept each request that was given up, and its queue is bounded.
    """

    def __init__(
        self,
        path: str,
        open_: Open,
        success: Container[int],
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        self._path = path
        self._headers = headers
        self._open = open_
        self._success = success
        self._pending: set[asyncio.Task[None]] = set()
        self._began_at = self._ended_at = float("-inf")
        self._unanswered_since: float | None = None
        self._failing_since: float | None = None
        self.is_listening = True
        self.answer: ServerAnswer | None = None

    @property
    def unanswered_s(self) -> float:
        """For how long it has not answered; 0 if it answers."""
        return 0.0 if self._unanswered_since is None else _now() - self._unanswered_since

    @property
    def failing_s(self) -> float:
        """For how long its answers have had a status of failure; 0 if the last one has none."""
        return 0.0 if self._failing_since is None else _now() - self._failing_since

    async def run(self, within_s: float) -> None:
        """Send a request if one is due, and wait until one is answered or fails."""
        if self._is_due():
            self._began_at = _now()
            task = asyncio.ensure_future(self._send())
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)
        if self._pending:
            await asyncio.wait(self._pending, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)

    def close(self) -> None:
        """Give up what is pending."""
        for task in self._pending:
            task.cancel()

    def _is_due(self) -> bool:
        if not self._pending:
            return _now() - self._ended_at >= FRESH_S
        return len(self._pending) < MOST_PENDING and _now() - self._began_at >= RESEND_S

    async def _send(self) -> None:
        if self._unanswered_since is None:
            self._unanswered_since = self._began_at
        try:
            self.answer = await _get(self._open, self._path, self._headers)
            self.is_listening = True
            self._has_answered(self.answer)
        except NotListeningError:
            # The next probe tries again: that costs no server a request.
            self.is_listening = False
            return
        except (OSError, ValueError, IndexError, asyncio.IncompleteReadError):
            # It has closed the connection, or has kept it from its queue for too long.
            self.is_listening = True
        self._ended_at = _now()

    def _has_answered(self, answer: ServerAnswer) -> None:
        self._unanswered_since = None
        if answer.status in self._success:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = self._began_at
        # The worker that has taken any other one hangs.
        for task in self._pending - {asyncio.current_task()}:
            task.cancel()


def of_socket(path: str, request_path: str, headers: Mapping[str, str] = NO_HEADERS) -> ServerCheck:
    """Return the check of the server on the Unix socket ``path``."""

    async def open_() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            try:
                connection.connect(path)
            except BlockingIOError:
                await _connect_in_turn(connection, path)
            return await asyncio.open_unix_connection(sock=connection)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            raise NotListeningError from None
        except BaseException:
            connection.close()
            raise

    return ServerCheck(request_path, open_, SUCCESS_OF_STACK, headers)


def of_address(
    bind: Bind, request_path: str, headers: Mapping[str, str] = NO_HEADERS
) -> ServerCheck:
    """Return the check of the server on an address of this host, which has no socket."""

    async def open_() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_connection(bind.host, bind.port)
        except ConnectionRefusedError:
            raise NotListeningError from None

    return ServerCheck(request_path, open_, SUCCESS_OF_STACK, headers)


def of_edge(state: State, request_path: str) -> ServerCheck:
    """Return the check of the edge on its own address."""
    host = Bind(host=state.host, port=state.port).local.host
    tls, name = None, None
    if state.url.startswith("https:"):
        # Whether the certificate is valid for the name does not matter here.
        tls, name = ssl._create_unverified_context(), state.server_name or host  # noqa: S323

    async def open_() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_connection(host, state.port, ssl=tls, server_hostname=name)
        except ConnectionRefusedError:
            raise NotListeningError from None

    return ServerCheck(request_path, open_, SUCCESS_OF_EDGE)


async def _connect_in_turn(connection: socket.socket, path: str) -> None:
    """
    Connect to a server whose queue is full, as soon as it accepts another connection.

    Only a connect() that blocks waits for its turn (unix(7)), and only in a thread. A refusal
    would not distinguish a server that is busy from one that hangs.
    """
    loop = asyncio.get_running_loop()
    connected: asyncio.Future[None] = loop.create_future()

    def settle(error: OSError | None) -> None:
        if error is None and not connected.done():
            connected.set_result(None)
        elif not connected.done():
            connected.set_exception(error or OSError())

    def connect() -> None:
        failure = None
        try:
            connection.connect(path)
        except OSError as error:
            failure = error
        # The loop has been closed at the end of supervisord.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, failure)

    connection.setblocking(True)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", TURN_S, 0))
    threading.Thread(target=connect, daemon=True).start()
    await connected
    connection.setblocking(False)


async def _get(open_: Open, path: str, headers: Mapping[str, str]) -> ServerAnswer:
    reader, writer = await open_()
    further = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    try:
        writer.write(
            b"GET %s HTTP/1.1\r\n%s%s\r\n" % (path.encode(), HEADERS, further.encode("latin-1"))
        )
        head = await reader.readuntil(b"\r\n\r\n")
        return ServerAnswer(
            status=int(head.split(None, 2)[1]), body=await reader.read(LONGEST_ANSWER)
        )
    finally:
        writer.transport.abort()


def _now() -> float:
    return asyncio.get_running_loop().time()

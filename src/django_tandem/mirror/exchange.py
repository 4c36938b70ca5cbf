"""Send a copied request to the socket of a stack, and read the whole response."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django_tandem.unix_http import connect

JSON, HTML, TEXT, BYTES = "json", "html", "text", "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredResponse:
    """A whole response: the headers in their order, the body without any content coding."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values_of(self, name: str) -> tuple[str, ...]:
        """Return the values of each header of that name, in any case."""
        return values_of(self.headers, name)

    @property
    def form(self) -> str:
        """What the body is, by its Content-Type: "json", "html", "text" or "bytes"."""
        kind = next(iter(self.values_of("content-type")), "").partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            return JSON
        if kind in ("text/html", "application/xhtml+xml"):
            return HTML
        return TEXT if kind.startswith("text/") or kind.endswith("xml") else BYTES


def values_of(headers: Iterable[tuple[str, str]], name: str) -> tuple[str, ...]:
    """Return the values of each header of that name, in any case."""
    return tuple(value for each, value in headers if each.lower() == name)


# Of one response; the edge lets a stack take longer.
RESPONSE_S = 30.0
# Longer bodies are compared up to here.
MOST_BYTES = 4 * 1024 * 1024
READ_BYTES = 64 * 1024
EVENT_STREAM = "text/event-stream"

# Without these, each response is whole and has a body to compare: no 304, no range, no gzip, in
# which Django hides random bytes. The others are the connection's.
DROPPED = frozenset(
    {
        *("if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"),
        *("accept-encoding", "connection", "content-length", "keep-alive", "range"),
        *("transfer-encoding", "upgrade", "x-request-start", "x-tandem-handed"),
    }
)


class NoResponseError(Exception):
    """A stack gave no whole response in time, or a stream without an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedRequest:
    """A request as the edge would send it to a stack: its target, and headers in their order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    def sent_headers(self, now: float) -> list[tuple[str, str]]:
        """Return the headers of the copy, sent at ``now`` in seconds since the epoch."""
        kept = [
            # The logs of both copies have the id of the client's request, and differ from it.
            (name, f"{value}-mirror" if name.lower() == "x-request-id" else value)
            for name, value in self.headers
            if name.lower() not in DROPPED and value
        ]
        own = [
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
            # The stack serves it, also where it would hand it over.
            ("X-Tandem-Handed", "1"),
            ("X-Request-Start", f"t={now:.3f}"),
        ]
        return [*kept, *own]


class Connections:
    """The connections to both stacks, each in a separate thread; `close` ends all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.is_closed = False

    def close(self) -> None:
        """End the exchanges that are under way, and those that begin later, without a response."""
        with self._lock:
            self.is_closed = True
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def connected(self, path: Path) -> Iterator[socket.socket]:
        """Connect to the stack at ``path`` for the length of the block; raises OSError."""
        with connect(path, timeout_s=RESPONSE_S) as connection:
            with self._lock:
                if self.is_closed:
                    raise NoResponseError("the mirror ends")
                self._open.add(connection)
            try:
                yield connection
            finally:
                with self._lock:
                    self._open.discard(connection)


def exchange(
    socket_path: Path, request: CopiedRequest, connections: Connections
) -> MirroredResponse:
    """Return the response of the stack at ``socket_path``; raises NoResponseError without one."""
    deadline = time.monotonic() + RESPONSE_S
    try:
        with connections.connected(socket_path) as connection:
            response = _send(connection, request)
            if response.getheader("Content-Type", "").startswith(EVENT_STREAM):
                raise NoResponseError("an event stream has no end")
            return MirroredResponse(
                status=response.status,
                headers=tuple(response.getheaders()),
                body=_read(response, deadline),
            )
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoResponseError(str(error) or type(error).__name__) from error


def _send(connection: socket.socket, request: CopiedRequest) -> http.client.HTTPResponse:
    client = http.client.HTTPConnection("localhost", timeout=RESPONSE_S)
    client.sock = connection
    client.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.sent_headers(time.time()):
        client.putheader(name, value)
    client.endheaders()
    return client.getresponse()


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    body = bytearray()
    while len(body) < MOST_BYTES and (data := response.read1(READ_BYTES)):
        body += data
        if time.monotonic() > deadline:
            raise NoResponseError(f"no whole response in {RESPONSE_S:.0f} s")
    return bytes(body[:MOST_BYTES])

"""A small HTTP server for pages that programs request: it can't be blocked by a slow client."""

import asyncio
import json
import socket
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl

# From the connection to the end of the request's head.
HEAD_S = 5.0
# From there to the end of the response: a page of metrics may have megabytes.
RESPONSE_S = 30.0
LONGEST_HEAD = 8192
# The oldest is closed for a further one.
MOST_CONNECTIONS = 64
BACKLOG = 1024
SOCKET_MODE = 0o660

METHODS = ("GET", "HEAD")
# One response a connection, which nothing may cache.
HEADERS = "Connection: close\r\nCache-Control: no-store\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    A request: the last value of each field of the query, and of each header by its lower name.

    ``server`` is the address that the client has connected to, or the path of a socket.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response to a request."""

    status: HTTPStatus
    body: bytes
    content_type: str = "application/json"
    headers: str = ""

    def encode(self, *, has_body: bool) -> bytes:
        """Return it as it is sent; the answer to HEAD has no body."""
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n"
            f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n"
            f"{self.headers}{HEADERS}\r\n"
        )
        return head.encode() + (self.body if has_body else b"")


# By path, each returns the response to a request.
Pages = Mapping[str, Callable[[Request], Awaitable[Response]]]


def json_response(status: HTTPStatus, value: object) -> Response:
    """Return a response with ``value`` as JSON, and a line end for users of curl."""
    return Response(status=status, body=json.dumps(value).encode() + b"\n")


class HttpServer:
    """Serves ``pages`` on sockets that may change while it runs."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._servers: dict[str, asyncio.Server] = {}
        # In the order of their beginning.
        self._open: dict[asyncio.StreamWriter, None] = {}

    async def listen(self, addresses: Collection[str]) -> list[str]:
        """Listen on ``addresses`` and on no other; return why that fails, a sentence for each."""
        for address in self._servers.keys() - set(addresses):
            self._servers.pop(address).close()
        failures = []
        for address in addresses:
            if address not in self._servers:
                try:
                    self._servers[address] = await self._start(address)
                except OSError as error:
                    failures.append(f"Can't listen on {address}: {error.strerror}.")
        return failures

    async def _start(self, address: str) -> asyncio.Server:
        if address.startswith("/"):
            sock = _bind_path(Path(address))
            return await asyncio.start_unix_server(
                self._serve, sock=sock, backlog=BACKLOG, limit=LONGEST_HEAD
            )
        sock = _bind_port(address)
        return await asyncio.start_server(
            self._serve, sock=sock, backlog=BACKLOG, limit=LONGEST_HEAD
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MOST_CONNECTIONS:
            oldest = next(iter(self._open))
            self._open.pop(oldest)
            oldest.transport.abort()
        self._open[writer] = None
        try:
            async with asyncio.timeout(HEAD_S):
                head = await reader.readuntil(b"\r\n\r\n")
            async with asyncio.timeout(RESPONSE_S):
                writer.write(await self._response_to(head, _server_of(writer)))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except asyncio.LimitOverrunError:
            writer.write(
                _error_response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE).encode(has_body=True)
            )
            writer.close()
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            self._open.pop(writer, None)

    async def _response_to(self, head: bytes, server: str) -> bytes:
        request = _parse(head, server)
        if request is None:
            return _error_response(HTTPStatus.BAD_REQUEST).encode(has_body=True)
        response = await self._page(request)
        return response.encode(has_body=request.method != "HEAD")

    async def _page(self, request: Request) -> Response:
        if request.path not in self._pages:
            return _error_response(HTTPStatus.NOT_FOUND)
        if request.method not in METHODS:
            return _error_response(
                HTTPStatus.METHOD_NOT_ALLOWED, f"Allow: {', '.join(METHODS)}\r\n"
            )
        try:
            return await self._pages[request.path](request)
        except Exception:  # noqa: BLE001 - a bug of one page must not end the others
            traceback.print_exc()
            return _error_response(HTTPStatus.INTERNAL_SERVER_ERROR)


def _server_of(writer: asyncio.StreamWriter) -> str:
    name = writer.get_extra_info("sockname")
    return name if isinstance(name, str) else name[0]


def _parse(head: bytes, server: str) -> Request | None:
    """Return the request; None where its first line is not one."""
    first, *others = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    path, _, query = words[1].partition("?")
    fields = (line.partition(":") for line in others)
    return Request(
        method=words[0],
        path=path,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers={name.strip().lower(): value.strip() for name, _, value in fields},
        server=server,
    )


def _error_response(status: HTTPStatus, headers: str = "") -> Response:
    body = json.dumps({"error": status.phrase}).encode() + b"\n"
    return Response(status=status, body=body, headers=headers)


def _bind_port(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host.strip("[]"), int(port)))
    except OSError:
        sock.close()
        raise
    return sock


def _is_served(path: Path) -> bool:
    """Return whether a process listens at the socket, or may do so."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        # Its queue may be full.
        client.setblocking(False)
        try:
            client.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True


def _bind_path(path: Path) -> socket.socket:
    # Left by a stack that was killed; any other file is not ours.
    if path.is_socket() and not _is_served(path):
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        path.chmod(SOCKET_MODE)
    except OSError:
        sock.close()
        raise
    return sock

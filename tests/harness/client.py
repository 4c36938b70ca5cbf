"""Requests to a running edge as clients write them, and their responses."""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
TIMEOUT_S = 20
# Of a request that a test holds while it runs commands, which a busy machine makes slow.
HELD_TIMEOUT_S = 100


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int,
    target: str,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | None = None,
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """Send one request with an unchanged target; a repeated header is sent twice."""
    connection = _connection(host, port, tls, timeout_s)
    try:
        given = [*headers, *([("Content-Length", str(len(body)))] if body is not None else [])]
        connection.putrequest(method, target, skip_accept_encoding=True, skip_host=_has_host(given))
        for name, value in given:
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def exchange(port: int, request: bytes, *, host: str = "127.0.0.1") -> bytes:
    """Send raw bytes, and return everything until the connection ends."""
    with socket.create_connection((host, port), timeout=TIMEOUT_S) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def open_stream(
    port: int, target: str, headers: Iterable[tuple[str, str]] = (), *, for_s: float
) -> list[bytes]:
    """Read a response for so many seconds, or to its end; return the parts as they arrived."""
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if not any(name.lower() == "host" for name, _ in headers):
        lines.append(f"Host: 127.0.0.1:{port}")
    parts, until = [], time.monotonic() + for_s
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        while (left := until - time.monotonic()) > 0:
            connection.settimeout(left)
            try:
                part = connection.recv(65536)
            except TimeoutError:
                break
            if not part:
                break
            parts.append(part)
    return parts


def wait_for(condition: Callable[[], T], *, within_s: float = 10) -> T:
    """Return the condition's value as soon as it is true."""
    until = time.monotonic() + within_s
    while True:
        began = time.monotonic()
        if found := condition():
            return found
        ended = time.monotonic()
        assert ended < until, f"not within {within_s} s"
        # A condition that is a command leaves the CPUs to what it waits for.
        time.sleep(max(0.05, 2 * (ended - began)))


def _connection(
    host: str, port: int, tls: ssl.SSLContext | None, timeout_s: float
) -> http.client.HTTPConnection:
    if tls is None:
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=tls)


def _has_host(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "host" for name, _ in headers)

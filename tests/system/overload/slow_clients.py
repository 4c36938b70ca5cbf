"""Clients that take their time: over the headers, over the body, over reading the answer."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

MANY = 50
# What the kernel itself takes in for a client that does not read.
SMALL_BUFFER = 4096


@contextmanager
def slow_headers(port: int, path: str) -> Iterator[None]:
    """Begin a request and do not end it."""
    with _many(port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-".encode()):
        yield


@contextmanager
def slow_bodies(port: int, path: str) -> Iterator[None]:
    """Send the headers of a POST and the first of its bytes."""
    headers = "Host: localhost\r\nContent-Length: 1000\r\n\r\n"
    with _many(port, f"POST {path} HTTP/1.1\r\n{headers}x".encode()):
        yield


@contextmanager
def slow_readers(port: int, path: str) -> Iterator[None]:
    """Ask for something large, and read the first byte of it."""
    with _many(port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()) as clients:
        for client in clients:
            client.recv(1)
        yield


@contextmanager
def _many(port: int, data: bytes) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        clients = []
        for _ in range(MANY):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            client.settimeout(60)
            client.connect(("127.0.0.1", port))
            client.sendall(data)
            clients.append(client)
        yield clients

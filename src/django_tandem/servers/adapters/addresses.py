"""
The TCP addresses that a server has besides its Unix socket: mutual TLS, and refused connections.

Gunicorn and Uvicorn have one TLS setting for all of their sockets, and the health checks of this
host go to the Unix socket.

close() and shutdown() reset the connections in the queue of a listening socket. So a socket that
refuses further ones is first bound to a network interface that does not exist: the kernel finds no
listener for a further connection, and finishes the handshakes that have begun.
"""

import contextlib
import os
import select
import socket
import ssl
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from django_tandem import environment

# From asm-generic/socket.h: bind a socket to the interface of this index, which need not exist.
# Since Linux 5.7 that needs no capability.
SO_BINDTOIFINDEX = 62
NO_INTERFACE = 2**31 - 1


def is_tcp(listener: Any) -> bool:
    """Return whether a listener has an address, rather than a path."""
    return listener.family in (socket.AF_INET, socket.AF_INET6)


def refuse_new_connections(listeners: Iterable[Any]) -> None:
    """Have the kernel refuse further connections; those that it has begun are still accepted."""
    for listener in filter(is_tcp, listeners):
        # An older kernel, or a sandbox without it: connections that wait at the close are reset.
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, SO_BINDTOIFINDEX, NO_INTERFACE)


def has_waiting(listeners: Iterable[Any]) -> bool:
    """Return whether a connection waits to be accepted."""
    found = list(filter(is_tcp, listeners))
    return bool(found) and bool(select.select(found, [], [], 0)[0])


def shut_down(listeners: Iterable[Any]) -> None:
    """Refuse all connections, also where another process still has the socket open."""
    for listener in filter(is_tcp, listeners):
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@cache
def tls_context() -> ssl.SSLContext | None:
    """
    Return the context of the environment's files, None where it names none.

    A client needs a certificate that the CA has signed.
    """
    files = dict(parse_qsl(os.environ.get(environment.PEER_TLS, "")))
    if not files:
        return None
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files["ca"])
    made.load_cert_chain(files["certificate"], files["key"])
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def encrypt(listeners: Iterable[Any]) -> None:
    """Have Gunicorn's listeners on addresses accept TLS alone."""
    with_tls = tls_context()
    if with_tls is None:
        return
    for listener in filter(is_tcp, listeners):
        # At its first read: in accept(), a slow client would occupy a worker without its timeout.
        listener.sock = with_tls.wrap_socket(
            listener.sock, server_side=True, do_handshake_on_connect=False
        )


def encrypted(create_server: Callable[..., Any]) -> Callable[..., Any]:
    """Return an event loop's ``create_server`` that has TLS on addresses alone."""
    with_tls = tls_context()

    def create_server_with_tls(*arguments: Any, sock: Any, **options: Any) -> Any:
        tls = with_tls if is_tcp(sock) else None
        return create_server(*arguments, sock=sock, **{**options, "ssl": tls})

    return create_server if with_tls is None else create_server_with_tls

"""
Refuses further connections on a TCP address, without a reset of those that wait to be accepted.

close() and shutdown() reset the connections in the queue of a listening socket. So the socket is
first bound to a network interface that does not exist: the kernel finds no listener for a further
connection and refuses it, and finishes the handshakes that have begun.
"""

import contextlib
import select
import socket
from collections.abc import Iterable
from typing import Any

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

"""The kernel's sockets by netlink: a request, and a message about each socket; sock_diag(7)."""

import os
import socket
import struct
from collections.abc import Iterator

# From linux/netlink.h, sock_diag.h and inet_diag.h, as `ss` has it.
NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY, DONE, ERROR = 20, 3, 2
REQUEST_DUMP = 0x301
ESTABLISHED, LISTEN = 1, 10
HEADER = struct.Struct("=IHHII")
# The family and the port are what counts of an address, and the rest is zero in a request.
INET_REQUEST = struct.Struct("=BBxxI2s46x")
ANSWER_BYTES = 65_536
ANSWER_S = 0.5


def connect(protocol: int = NETLINK_SOCK_DIAG) -> socket.socket:
    """Return a socket to the kernel; raises OSError or AttributeError where there is none."""
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    kernel.settimeout(ANSWER_S)
    return kernel


def inet_sockets(
    kernel: socket.socket, family: socket.AddressFamily, state: int, port: int = 0
) -> Iterator[bytes]:
    """Yield a message about each TCP socket in that state, of one local port unless that is 0."""
    place = port.to_bytes(2)
    request = INET_REQUEST.pack(family, socket.IPPROTO_TCP, 1 << state, place)
    yield from dump(kernel, request)


def dump(kernel: socket.socket, request: bytes) -> Iterator[bytes]:
    """Yield the message about each socket that the kernel finds; raises OSError for its error."""
    length = HEADER.size + len(request)
    header = HEADER.pack(length, SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 1, 0)
    kernel.send(header + request)
    while True:
        data = kernel.recv(ANSWER_BYTES)
        while data:
            length, kind, *_ = HEADER.unpack_from(data)
            message = data[HEADER.size : length]
            if kind in (DONE, ERROR):
                # The end of a dump has a number too, where the kernel could not complete it.
                number = -struct.unpack_from("=i", message)[0]
                if number or kind == ERROR:
                    raise OSError(number, os.strerror(number))
                return
            yield message
            data = data[aligned(length) :]


def aligned(length: int) -> int:
    """Return the bytes that a message or an attribute of ``length`` takes."""
    return (length + 3) & ~3

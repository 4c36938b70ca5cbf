"""The queues of listening Unix sockets: how many connections wait, and how many may."""

import socket
import struct
from dataclasses import dataclass
from pathlib import Path

# From linux/netlink.h, sock_diag.h and unix_diag.h (sock_diag(7)): what `ss -xl` uses.
NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY, DONE, ERROR = 20, 3, 2
REQUEST_DUMP = 0x301
STATE_LISTEN = 10
SHOW_NAME, SHOW_QUEUE = 0x01, 0x10
NAME, QUEUE = 0, 4
HEADER, REQUEST, MESSAGE, ATTRIBUTE = "=IHHII", "=BBHIIIQ", "=BBBxIQ", "=HH"
ANSWER_BYTES = 65_536
ANSWER_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenQueue:
    """``length`` connections wait to be accepted, of ``limit`` at most."""

    length: int
    limit: int


def read_queues() -> dict[Path, ListenQueue]:
    """Return the queue of each listening Unix socket by its path; empty off Linux."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(ANSWER_S)
            kernel.send(_request())
            return _read_all(kernel)
    except (OSError, AttributeError, struct.error):
        # Not Linux, or a sandbox without it.
        return {}


def _request() -> bytes:
    states, shown = 1 << STATE_LISTEN, SHOW_NAME | SHOW_QUEUE
    request = struct.pack(REQUEST, socket.AF_UNIX, 0, 0, states, 0, shown, 0xFFFFFFFFFFFFFFFF)
    length = struct.calcsize(HEADER) + len(request)
    return struct.pack(HEADER, length, SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 1, 0) + request


def _read_all(kernel: socket.socket) -> dict[Path, ListenQueue]:
    found: dict[Path, ListenQueue] = {}
    while True:
        data = kernel.recv(ANSWER_BYTES)
        while data:
            length, kind, *_ = struct.unpack_from(HEADER, data)
            if kind in (DONE, ERROR):
                return found
            attributes = _attributes(data[struct.calcsize(HEADER) : length])
            name = attributes.get(NAME, b"").rstrip(b"\0")
            # A name that begins with a zero is none of the file system.
            if name.startswith(b"/") and QUEUE in attributes:
                waiting, backlog = struct.unpack("=II", attributes[QUEUE])
                # The kernel queues one more than the backlog.
                path = Path(name.decode(errors="surrogateescape"))
                found[path] = ListenQueue(length=waiting, limit=backlog + 1)
            data = data[_aligned(length) :]


def _attributes(message: bytes) -> dict[int, bytes]:
    rest, found = message[struct.calcsize(MESSAGE) :], {}
    while len(rest) >= struct.calcsize(ATTRIBUTE):
        length, kind = struct.unpack_from(ATTRIBUTE, rest)
        found[kind] = rest[struct.calcsize(ATTRIBUTE) : length]
        rest = rest[_aligned(length) :]
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3

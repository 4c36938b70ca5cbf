"""The queues of listening sockets: how many connections wait, and how many may."""

import os
import socket
import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django_tandem.model import Bind

# From linux/netlink.h, sock_diag.h, unix_diag.h and inet_diag.h, as `ss -xtl` has it: sock_diag(7).
NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY, DONE, ERROR = 20, 3, 2
REQUEST_DUMP = 0x301
STATE_LISTEN = 10
SHOW_NAME, SHOW_QUEUE = 0x01, 0x10
NAME, QUEUE = 0, 4
HEADER, ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=HH")
REQUEST, MESSAGE = struct.Struct("=BBHIIIQ"), struct.Struct("=BBBxIQ")
# The family and the port are what counts of an address, and the rest is zero in a request.
INET_REQUEST, INET_MESSAGE = struct.Struct("=BBxxI48x"), struct.Struct("=Bxxx2s2x16s28xIII")
ANSWER_BYTES = 65_536
ANSWER_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenQueue:
    """``length`` connections wait to be accepted, of ``limit`` at most."""

    length: int
    limit: int


# The path of a socket, or its address.
Place = Path | Bind
Queues = dict[Place, ListenQueue]


def read_queues(places: Collection[Place]) -> Queues:
    """Return the queue of each of ``places`` at which a socket listens; empty off Linux."""
    # The kernel names each socket of the machine, and a Path takes longer than all of the rest.
    paths = {os.fsencode(place): place for place in places if isinstance(place, Path)}
    found: Queues = {}
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(ANSWER_S)
            if paths:
                found.update(_unix_queues(kernel, paths))
            if len(paths) < len(places):
                for family in (socket.AF_INET, socket.AF_INET6):
                    found |= _inet_queues(kernel, family)
            return {place: found[place] for place in places if place in found}
    except (OSError, AttributeError, struct.error):
        # Not Linux, or a sandbox without it.
        return {}


def _unix_queues(
    kernel: socket.socket, paths: Mapping[bytes, Path]
) -> Iterator[tuple[Path, ListenQueue]]:
    states, shown = 1 << STATE_LISTEN, SHOW_NAME | SHOW_QUEUE
    request = REQUEST.pack(socket.AF_UNIX, 0, 0, states, 0, shown, 0xFFFFFFFFFFFFFFFF)
    for message in _dump(kernel, request):
        attributes = _attributes(message)
        path = paths.get(attributes.get(NAME, b"").rstrip(b"\0"))
        if path is not None and QUEUE in attributes:
            waiting, backlog = struct.unpack("=II", attributes[QUEUE])
            # The kernel queues one more than the backlog.
            yield path, ListenQueue(length=waiting, limit=backlog + 1)


def _inet_queues(kernel: socket.socket, family: socket.AddressFamily) -> Queues:
    request = INET_REQUEST.pack(family, socket.IPPROTO_TCP, 1 << STATE_LISTEN)
    found: Queues = {}
    for message in _dump(kernel, request):
        _, port, address, _, waiting, backlog = INET_MESSAGE.unpack_from(message)
        host = socket.inet_ntop(family, address if family is socket.AF_INET6 else address[:4])
        bind = Bind(host=host, port=int.from_bytes(port))
        # Processes may each have a socket at one address.
        other = found.get(bind, ListenQueue(length=0, limit=0))
        found[bind] = ListenQueue(length=other.length + waiting, limit=other.limit + backlog + 1)
    return found


def _dump(kernel: socket.socket, request: bytes) -> Iterator[bytes]:
    """Yield the message about each socket that the kernel finds by ``request``."""
    length = HEADER.size + len(request)
    header = HEADER.pack(length, SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 1, 0)
    kernel.send(header + request)
    while True:
        data = kernel.recv(ANSWER_BYTES)
        while data:
            length, kind, *_ = HEADER.unpack_from(data)
            if kind in (DONE, ERROR):
                return
            yield data[HEADER.size : length]
            data = data[_aligned(length) :]


def _attributes(message: bytes) -> dict[int, bytes]:
    rest, found = message[MESSAGE.size :], {}
    while len(rest) >= ATTRIBUTE.size:
        length, kind = ATTRIBUTE.unpack_from(rest)
        found[kind] = rest[ATTRIBUTE.size : length]
        rest = rest[_aligned(length) :]
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3

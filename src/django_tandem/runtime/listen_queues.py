"""The queues of listening sockets: how many connections wait, and how many may."""

import contextlib
import os
import socket
import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django_tandem.model import Bind
from django_tandem.runtime import sock_diag

# From linux/unix_diag.h and inet_diag.h, as `ss -xtl` has it.
SHOW_NAME, SHOW_QUEUE = 0x01, 0x10
NAME, QUEUE = 0, 4
REQUEST, MESSAGE = struct.Struct("=BBHIIIQ"), struct.Struct("=BBBxIQ")
INET_MESSAGE, ATTRIBUTE = struct.Struct("=Bxxx2s2x16s28xIII"), struct.Struct("=HH")


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
    families = [socket.AF_UNIX] if paths else []
    if len(paths) < len(places):
        families += [socket.AF_INET, socket.AF_INET6]
    found: Queues = {}
    for family in families:
        # Not Linux, a sandbox without it, or a kernel without the module for that family.
        with contextlib.suppress(OSError, AttributeError, struct.error):
            found |= _queues_of(family, paths)
    return {place: found[place] for place in places if place in found}


def _queues_of(family: socket.AddressFamily, paths: Mapping[bytes, Path]) -> Queues:
    with sock_diag.connect() as kernel:
        if family is socket.AF_UNIX:
            return dict(_unix_queues(kernel, paths))
        return _inet_queues(kernel, family)


def _unix_queues(
    kernel: socket.socket, paths: Mapping[bytes, Path]
) -> Iterator[tuple[Path, ListenQueue]]:
    states, shown = 1 << sock_diag.LISTEN, SHOW_NAME | SHOW_QUEUE
    request = REQUEST.pack(socket.AF_UNIX, 0, 0, states, 0, shown, 0xFFFFFFFFFFFFFFFF)
    for message in sock_diag.dump(kernel, request):
        attributes = _attributes(message)
        path = paths.get(attributes.get(NAME, b"").rstrip(b"\0"))
        if path is not None and QUEUE in attributes:
            waiting, backlog = struct.unpack("=II", attributes[QUEUE])
            # The kernel queues one more than the backlog.
            yield path, ListenQueue(length=waiting, limit=backlog + 1)


def _inet_queues(kernel: socket.socket, family: socket.AddressFamily) -> Queues:
    found: Queues = {}
    for message in sock_diag.inet_sockets(kernel, family, sock_diag.LISTEN):
        _, port, address, _, waiting, backlog = INET_MESSAGE.unpack_from(message)
        host = socket.inet_ntop(family, address if family is socket.AF_INET6 else address[:4])
        bind = Bind(host=host, port=int.from_bytes(port))
        # Processes may each have a socket at one address.
        other = found.get(bind, ListenQueue(length=0, limit=0))
        found[bind] = ListenQueue(length=other.length + waiting, limit=other.limit + backlog + 1)
    return found


def _attributes(message: bytes) -> dict[int, bytes]:
    rest, found = message[MESSAGE.size :], {}
    while len(rest) >= ATTRIBUTE.size:
        length, kind = ATTRIBUTE.unpack_from(rest)
        found[kind] = rest[ATTRIBUTE.size : length]
        rest = rest[sock_diag.aligned(length) :]
    return found

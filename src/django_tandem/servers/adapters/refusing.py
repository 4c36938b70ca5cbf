"""
Refuses further connections on a TCP address, without a reset of those that wait to be accepted.

close() and shutdown() reset the connections in the queue of a listening socket. So the kernel drops
the first packet of each further connection before that; its client sends it again after a second,
and is refused once the socket is closed. It has sent nothing of its request by then.
"""

import contextlib
import ctypes
import select
import socket
import struct
from collections.abc import Iterable
from typing import Any

# From asm-generic/socket.h: a filter of classic BPF, which sees each packet from its TCP header on.
SO_ATTACH_FILTER = 26
# From linux/bpf_common.h: load a byte, jump if a bit is set, return.
LOAD_BYTE, JUMP_IF_SET, RETURN = 0x30, 0x45, 0x06
FLAGS_AT, SYN, ACK = 13, 0x02, 0x10
WHOLE_PACKET, NOTHING = 0xFFFFFFFF, 0
# Each instruction: what it does, where it jumps if the bit is set and if not, and its operand.
DROP_FIRST_PACKETS = (
    (LOAD_BYTE, 0, 0, FLAGS_AT),
    (JUMP_IF_SET, 2, 0, ACK),
    (JUMP_IF_SET, 0, 1, SYN),
    (RETURN, 0, 0, NOTHING),
    (RETURN, 0, 0, WHOLE_PACKET),
)


def is_tcp(listener: Any) -> bool:
    """Return whether a listener has an address, rather than a path."""
    return listener.family in (socket.AF_INET, socket.AF_INET6)


def drop_new_connections(listeners: Iterable[Any]) -> None:
    """Have the kernel drop further connections; those that it has begun are still accepted."""
    program = b"".join(struct.pack("HBBI", *each) for each in DROP_FIRST_PACKETS)
    memory = ctypes.create_string_buffer(program, len(program))
    given = struct.pack("HP", len(DROP_FIRST_PACKETS), ctypes.addressof(memory))
    for listener in filter(is_tcp, listeners):
        # Not Linux, or a sandbox without it: connections that wait at the close are reset.
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, given)


def has_waiting(listeners: Iterable[Any]) -> bool:
    """Return whether a connection waits to be accepted."""
    found = list(filter(is_tcp, listeners))
    return bool(found) and bool(select.select(found, [], [], 0)[0])


def refuse(listeners: Iterable[Any]) -> None:
    """Refuse further connections, also where another process still has the socket open."""
    for listener in filter(is_tcp, listeners):
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)

"""How many connections each socket of a run directory has, by the kernel's tables."""

import os
import socket
import struct
import threading
import time
from collections.abc import Collection
from pathlib import Path

from django_tandem.model import Stack
from django_tandem.runtime import sock_diag

TABLE = Path("/proc/net/unix")
# In the table's flags column: a listening socket, which is no connection itself.
LISTENS = 0x10000

# The connections of each socket; None where the kernel does not list it.
Counts = dict[Path, int | None]


def count_connections(paths: Collection[Path], table: Path = TABLE) -> Counts:
    """
    Return how many connections each of ``paths`` has, accepted or in its queue.

    None off Linux, and where no socket listens by that very name. The table is read once for
    all of them: 10,000 sockets take about 10 ms.

    An accepted socket bears the name of the listening socket (unix(7), proc(5)).
    """
    named = {b" " + os.fsencode(path): path for path in paths}
    endings = tuple(named)
    flags: dict[Path, list[int]] = {path: [] for path in paths}
    for line in _lines(table) if endings else ():
        if line.endswith(endings):
            # Not the last field: a path may contain spaces.
            ending = next(filter(line.endswith, endings))
            # Num RefCount Protocol Flags Type St Inode Path
            flags[named[ending]].append(int(line.split(maxsplit=4)[3], 16))
    return {path: _connections_in(found) for path, found in flags.items()}


def count_on_port(port: int, protocol: int = sock_diag.NETLINK_SOCK_DIAG) -> int | None:
    """Return how many clients are connected to a port of this host; None off Linux."""
    # Not /proc/net/tcp: it lists all sockets of the host, in pieces between which some end.
    try:
        with sock_diag.connect(protocol) as kernel:
            return sum(
                1
                for family in (socket.AF_INET, socket.AF_INET6)
                for _ in sock_diag.inet_sockets(kernel, family, sock_diag.ESTABLISHED, port)
            )
    except (OSError, AttributeError, struct.error):
        # Not Linux, or a sandbox without it or with another.
        return None


def count_open(run_dir: Path) -> int:
    """Return how many connections the servers of all generations have; 0 where none is known."""
    paths = [path for stack in Stack for path in run_dir.glob(f"{stack}-[0-9]*.sock")]
    return sum(count or 0 for count in count_connections(paths).values())


def _lines(table: Path) -> list[bytes]:
    try:
        return table.read_bytes().splitlines()
    except OSError:
        return []


def _connections_in(flags: list[int]) -> int | None:
    if not any(each & LISTENS for each in flags):
        return None
    return sum(not each & LISTENS for each in flags)


class SocketSampler:
    """Counts the connections of sockets once for all the threads that wait for a count."""

    def __init__(self) -> None:
        self._sampled = threading.Condition()
        self._wanted: set[Path] = set()
        self._counts: Counts = {}

    def sample(self) -> None:
        """Count for all waiting threads, if there are any, and wake them."""
        with self._sampled:
            if self._wanted:
                self._counts = count_connections(self._wanted)
                self._wanted = set()
                self._sampled.notify_all()

    def next_count(self, path: Path, until: float) -> int | None:
        """Wait for a count that begins from now on; None if none is taken before ``until``."""
        with self._sampled:
            self._wanted.add(path)
            is_sampled = self._sampled.wait(max(0, until - time.monotonic()))
            return self._counts.get(path) if is_sampled else None

"""How many connections a Unix socket holds, by the kernel's own word."""

import os
import threading
import time
from collections.abc import Collection
from pathlib import Path

TABLE = Path("/proc/net/unix")
# Of the flags column: the socket that listens is no connection itself.
LISTENS = 0x10000

# How many each path holds; None where that is not known.
Counts = dict[Path, int | None]


def held_by(paths: Collection[Path], table: Path = TABLE) -> Counts:
    """
    Return how many connections each of ``paths`` holds, accepted or waiting to be.

    None when that is not known: off Linux, and where nobody listens by that very name. The
    table is read once for all of them: 10,000 sockets take it some 10 ms.

    An accepted socket bears the name of the one that it came in by (unix(7), proc(5)).
    """
    named = {b" " + os.fsencode(path): path for path in paths}
    endings = tuple(named)
    flags: dict[Path, list[int]] = {path: [] for path in paths}
    for line in _lines(table) if endings else ():
        if line.endswith(endings):
            # Not the last word: a path may hold spaces.
            ending = next(filter(line.endswith, endings))
            # Num RefCount Protocol Flags Type St Inode Path
            flags[named[ending]].append(int(line.split(maxsplit=4)[3], 16))
    return {path: _count(found) for path, found in flags.items()}


def _lines(table: Path) -> list[bytes]:
    try:
        return table.read_bytes().splitlines()
    except OSError:
        return []


def _count(flags: list[int]) -> int | None:
    if not any(each & LISTENS for each in flags):
        return None
    return sum(not each & LISTENS for each in flags)


class Looks:
    """One look after the other at what sockets hold, each for all threads that wait for it."""

    def __init__(self) -> None:
        self._taken = threading.Condition()
        self._asked: set[Path] = set()
        self._found: Counts = {}

    def take(self) -> None:
        """Look at what is asked for, if anything is, and tell whoever waits."""
        with self._taken:
            if self._asked:
                self._found = held_by(self._asked)
                self._asked = set()
                self._taken.notify_all()

    def next(self, path: Path, until: float) -> int | None:
        """Wait for a look that begins from now on; None when there is none ``until`` then."""
        with self._taken:
            self._asked.add(path)
            is_taken = self._taken.wait(max(0, until - time.monotonic()))
            return self._found.get(path) if is_taken else None

"""How many connections a Unix socket holds, by the kernel's own word."""

import os
from pathlib import Path

TABLE = Path("/proc/net/unix")
# Of the flags column: the socket that listens is no connection itself.
LISTENS = 0x10000


def held(path: Path, table: Path = TABLE) -> int | None:
    """
    Return how many connections ``path`` holds, accepted or waiting to be.

    None when that is not known: off Linux, and where nobody listens by that very name.

    An accepted socket bears the name of the one that it came in by (unix(7), proc(5)).
    """
    try:
        lines = table.read_bytes().splitlines()
    except OSError:
        return None
    # Num RefCount Protocol Flags Type St Inode Path
    ending = b" " + os.fsencode(path)
    flags = [int(line.split(maxsplit=4)[3], 16) for line in lines if line.endswith(ending)]
    if not any(each & LISTENS for each in flags):
        return None
    return sum(not each & LISTENS for each in flags)

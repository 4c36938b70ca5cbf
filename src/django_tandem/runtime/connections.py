"""How many connections a Unix socket holds, by the kernel's own word."""

from pathlib import Path

TABLE = Path("/proc/net/unix")
# Of the flags column: the socket that listens is no connection itself.
LISTENS = 0x10000


def held(path: Path, table: Path = TABLE) -> int | None:
    """
    Return how many connections ``path`` holds, accepted or waiting to be; None off Linux.

    An accepted socket bears the name of the one that it came in by (unix(7), proc(5)).
    """
    try:
        lines = table.read_text(errors="replace").splitlines()
    except OSError:
        return None
    # Num RefCount Protocol Flags Type St Inode Path
    rows = (line.split(maxsplit=7) for line in lines[1:])
    named = (row for row in rows if len(row) == 8 and row[7] == str(path))
    return sum(not int(row[3], 16) & LISTENS for row in named)

"""The sockets of a run directory: the links to them, their connections, and what a stop leaves."""

import os
import threading
import time
from collections.abc import Collection
from fnmatch import fnmatch
from pathlib import Path, PurePath

from django_tandem.atomic_files import remove_abandoned, replace_link
from django_tandem.inprocess import prometheus_files, slot_file
from django_tandem.model import REQUESTS_FILE, Stack
from django_tandem.model.shifts import SHIFTED_FILE
from django_tandem.model.state import STOPPING_FILE, State
from django_tandem.runtime.state import HEALTH_SOCKET, METRICS_SOCKET, READY_FILE

LINKS = tuple(f"{stack}.sock" for stack in Stack)

# Everything that a stop leaves behind, and no file of the user's.
LEFTOVERS = (
    *("wsgi.sock", "wsgi-*.sock", "asgi.sock", "asgi-*.sock", "valkey.sock", HEALTH_SOCKET),
    *(METRICS_SOCKET, REQUESTS_FILE, SHIFTED_FILE),
    *("supervisor.sock", "supervisor.sock.*", "supervisord.pid", "nginx.pid", "handovers.*"),
    *(READY_FILE, STOPPING_FILE, "drain-[0-9]*", "*.next", "nginx.conf.previous"),
    *("wsgi-*.failed", "asgi-*.failed", "master-*.failed", "restarts-[0-9]*", "heartbeat-[0-9]*"),
)

TABLE = Path("/proc/net/unix")
TCP_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
# In the column of the states (proc(5)).
ESTABLISHED = "01"
# In the table's flags column: a listening socket, which is no connection itself.
LISTENS = 0x10000

# The connections of each socket; None where the kernel does not list it.
Counts = dict[Path, int | None]


def links_of(state: State) -> dict[str, str]:
    """Return each stack's link and its target, such as ``wsgi.sock`` to ``wsgi-2.sock``."""
    return {
        f"{kind.name}.sock": PurePath(kind.socket).name
        for process in state.processes
        for kind in process.kinds
        if kind.stack and kind.socket
    }


def add_links(state: State, run_dir: Path) -> None:
    """Make the links that do not exist yet, of a stack that had no server so far."""
    for name, target in links_of(state).items():
        if not (run_dir / name).is_symlink():
            _link(run_dir / name, target)


def move_links(state: State, run_dir: Path) -> None:
    """Point each stack's link at the live generation of ``state``, and remove any other."""
    wanted = links_of(state)
    for name in LINKS:
        if name in wanted:
            _link(run_dir / name, wanted[name])
        else:
            (run_dir / name).unlink(missing_ok=True)


def linked_sockets(run_dir: Path) -> set[str]:
    """Return the names of the sockets that new connections reach, without ``.sock``."""
    links = [run_dir / name for name in LINKS]
    return {link.readlink().stem for link in links if link.is_symlink()}


def are_bound(run_dir: Path) -> bool:
    """Return whether each socket that new connections reach exists."""
    links = [run_dir / name for name in LINKS]
    return all(link.exists() for link in links if link.is_symlink())


def _link(path: Path, target: str) -> None:
    # By a rename, so that no connection finds the link missing.
    if path.is_symlink() and path.readlink() == Path(target):
        return
    replace_link(path, target)


def clean(run_dir: Path) -> None:
    """Remove the sockets, links, pid files, counts and slots that a stop leaves behind."""
    # Not Path.glob(), which skips a link whose target does not exist.
    for name in os.listdir(run_dir):  # noqa: PTH208
        if any(fnmatch(name, pattern) for pattern in LEFTOVERS):
            (run_dir / name).unlink(missing_ok=True)
    remove_abandoned(run_dir)
    prometheus_files.remove_all(run_dir)
    slot_file.remove_all(run_dir)


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


def count_on_port(port: int, tables: Collection[Path] = TCP_TABLES) -> int | None:
    """Return how many clients are connected to a port of this host; None off Linux."""
    ending = f":{port:04X}"
    lines = [line.decode().split() for table in tables for line in _lines(table)[1:]]
    # Number, local address, remote address, state, …
    ours = (fields for fields in lines if fields[1].endswith(ending))
    return sum(fields[3] == ESTABLISHED for fields in ours) if lines else None


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

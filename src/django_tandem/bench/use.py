"""What a topology takes while it is asked: looked at from outside, by the kernel's word."""

import contextlib
import threading
from collections.abc import Callable, Collection

import psutil

from django_tandem.bench.measured import Use
from django_tandem.runtime.usage import Usage, total_usage, usage_of, usages

EVERY_S = 0.5

# How many connections the database has now, None when that can't be known.
CountConnections = Callable[[Collection[int]], int | None]


class Watched:
    """A context in which a topology's processes are watched; ``use`` is there after it."""

    use: Use

    def __init__(
        self,
        root: int,
        leaders: Collection[int],
        count: CountConnections,
        *,
        counts_root: bool,
    ) -> None:
        self._root, self._leaders = root, leaders
        self._counts_root = counts_root
        self._count = count
        self._threads = 0
        self._connections: int | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_again, daemon=True)

    def __enter__(self) -> "Watched":
        """Begin."""
        self._before_s = self._usage().cpu_s
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, and sum up."""
        self._over.set()
        self._thread.join()
        after = self._usage()
        self.use = Use(
            cpu_s=round(max(0.0, after.cpu_s - self._before_s), 3),
            memory_mb=None if after.pss_mb is None else round(after.pss_mb, 1),
            threads=self._threads,
            database_connections=self._connections,
        )

    def _look_again(self) -> None:
        # At once as well: a short round is over before the second look.
        self._look()
        while not self._over.wait(EVERY_S):
            self._look()

    def _look(self) -> None:
        family = self._family()
        threads = 0
        for process in family:
            with contextlib.suppress(psutil.Error):
                threads += process.num_threads()
        self._threads = max(self._threads, threads)
        found = self._count([process.pid for process in family])
        if found is not None:
            self._connections = max(self._connections or 0, found)

    def _family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            return [
                member
                for leader in map(psutil.Process, self._leaders)
                for member in (leader, *leader.children(recursive=True))
            ]
        return []

    def _usage(self) -> Usage:
        parts = list(usages(self._root, set(self._leaders)).values())
        if self._counts_root:
            parts.append(usage_of(psutil.Process(self._root)))
        return total_usage(parts)

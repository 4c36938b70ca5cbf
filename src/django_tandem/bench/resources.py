"""The resources that a topology's processes use in a round, sampled under load."""

import contextlib
import threading
from collections.abc import Callable, Collection
from pathlib import Path

import psutil
from django.db import connections

from django_tandem.bench.fanout_results import PartUsage
from django_tandem.bench.launch import RunningTopology, is_server
from django_tandem.bench.results import ResourceUsage
from django_tandem.model import programs
from django_tandem.runtime import supervisord
from django_tandem.runtime.usage import Usage, total_usage, usage_of, usages

SAMPLE_INTERVAL_S = 0.5

# Counts the database connections of the processes with these pids; None when it can't.
CountConnections = Callable[[Collection[int]], int | None]

# Each without the connection of the query itself.
QUERIES = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist"
    " WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}


class ResourceSampler:
    """A context in which a topology's processes are sampled; ``use`` is set at its end."""

    use: ResourceUsage

    def __init__(
        self, stack: RunningTopology, count: CountConnections, *, counts_supervisor: bool
    ) -> None:
        self._root, self._server_pids = stack.supervisord.pid, stack.server_pids
        self._counts_supervisor = counts_supervisor
        self._count = count
        self._threads = 0
        self._connections: int | None = None
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._sample_repeatedly, daemon=True)

    def __enter__(self) -> "ResourceSampler":
        """Start sampling."""
        self._before_s = self._usage().cpu_s
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sampling, and set ``use``."""
        self._finished.set()
        self._thread.join()
        after = self._usage()
        self.use = ResourceUsage(
            cpu_s=round(max(0.0, after.cpu_s - self._before_s), 3),
            memory_mb=None if after.pss_mb is None else round(after.pss_mb, 1),
            threads=self._threads,
            database_connections=self._connections,
        )

    def _sample_repeatedly(self) -> None:
        # The first sample is immediate: a short round ends before the second.
        self._sample()
        while not self._finished.wait(SAMPLE_INTERVAL_S):
            self._sample()

    def _sample(self) -> None:
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
                for leader in map(psutil.Process, self._server_pids)
                for member in (leader, *leader.children(recursive=True))
            ]
        return []

    def _usage(self) -> Usage:
        parts = list(usages(self._root, set(self._server_pids)).values())
        if self._counts_supervisor:
            parts.append(usage_of(psutil.Process(self._root)))
        return total_usage(parts)


def usage_of_parts(root: int, run_dir: Path) -> PartUsage:
    """Return the usage of a stack's servers and of its edge, apart; ``root`` is supervisord."""
    listed = supervisord.statuses(run_dir)
    names = {each.pid: each.name for each in listed if each.pid and is_server(each.name)}
    found = usages(root, names)
    edge = total_usage(found[pid] for pid in found if names[pid] == programs.NGINX)
    servers = total_usage(found[pid] for pid in found if names[pid] != programs.NGINX)
    return PartUsage(
        servers_cpu_s=servers.cpu_s,
        servers_mb=servers.pss_mb,
        edge_cpu_s=edge.cpu_s,
        edge_mb=edge.pss_mb,
    )


def count_database_connections() -> CountConnections:
    """Return a function that counts the default database's connections, or None where it can't."""
    default = connections["default"]
    if default.vendor == "sqlite":
        return _by_open_files(str(default.settings_dict["NAME"]))
    query = QUERIES.get(default.vendor)
    return _by_query(query) if query else lambda _pids: None


def _by_query(query: str) -> CountConnections:
    def count(_pids: Collection[int]) -> int | None:
        connection = connections["default"]
        # Each database raises its own errors, and a count is not worth ending a measurement.
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                found: int = cursor.fetchone()[0]
        except Exception:  # noqa: BLE001
            return None
        finally:
            connection.close()
        return found

    return count


def _by_open_files(name: str) -> CountConnections:
    database = str(Path(name).resolve())

    def count(pids: Collection[int]) -> int:
        found = 0
        for pid in pids:
            with contextlib.suppress(psutil.Error):
                found += sum(each.path == database for each in psutil.Process(pid).open_files())
        return found

    return count

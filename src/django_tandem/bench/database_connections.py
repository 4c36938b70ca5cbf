"""The number of connections to the project's database, counted under load."""

import contextlib
from collections.abc import Callable, Collection
from pathlib import Path

from django.db import connections

Count = Callable[[Collection[int]], int | None]

# Each without the connection of the query itself.
QUERIES = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist"
    " WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}


def count_connections() -> Count:
    """Return a function that counts the default database's connections, or None where it can't."""
    default = connections["default"]
    if default.vendor == "sqlite":
        return _by_open_files(str(default.settings_dict["NAME"]))
    query = QUERIES.get(default.vendor)
    return _by_query(query) if query else lambda _pids: None


def _by_query(query: str) -> Count:
    def count(_pids: Collection[int]) -> int | None:
        connection = connections["default"]
        # Each database has errors of its own, and a count is not worth ending a measurement.
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


def _by_open_files(name: str) -> Count:
    database = Path(name).resolve()

    def count(pids: Collection[int]) -> int:
        found = 0
        for pid in pids:
            with contextlib.suppress(OSError):
                found += sum(_points_to(fd, database) for fd in Path(f"/proc/{pid}/fd").iterdir())
        return found

    return count


def _points_to(descriptor: Path, database: Path) -> bool:
    try:
        return descriptor.readlink() == database
    except OSError:
        return False

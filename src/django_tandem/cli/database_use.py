"""How many connections the project's database has, asked while it is under load."""

import contextlib
from collections.abc import Callable, Collection
from pathlib import Path

from django.db import connections

Count = Callable[[Collection[int]], int | None]

# Each without the connection that asks.
QUERIES = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist"
    " WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}


def count_connections() -> Count:
    """Return what counts the connections of the default database; None where it can't be known."""
    default = connections["default"]
    if default.vendor == "sqlite":
        return _files(str(default.settings_dict["NAME"]))
    query = QUERIES.get(default.vendor)
    return _asking(query) if query else lambda _pids: None


def _asking(query: str) -> Count:
    def count(_pids: Collection[int]) -> int | None:
        connection = connections["default"]
        # A project's database has errors of its own, and what is measured is not this.
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


def _files(name: str) -> Count:
    wanted = Path(name).resolve()

    def count(pids: Collection[int]) -> int:
        found = 0
        for pid in pids:
            with contextlib.suppress(OSError):
                found += sum(_leads_to(fd, wanted) for fd in Path(f"/proc/{pid}/fd").iterdir())
        return found

    return count


def _leads_to(descriptor: Path, wanted: Path) -> bool:
    try:
        return descriptor.readlink() == wanted
    except OSError:
        return False

"""Unapplied migrations: read in a thread of a WSGI worker, for the probes and for a start."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from django_tandem.model.readiness import MIGRATIONS_UNREAD

# Most databases answer within it; else a later request finds the result.
WAIT_S = 0.4
# What was read counts for so long.
FRESH_S = 2.0

# What Django connects to where DATABASES is empty.
NO_DATABASE = "django.db.backends.dummy"

UNREADABLE = "The database can't be read; the log of the WSGI server has the reason."

logger = logging.getLogger("django_tandem")


class MigrationCheck:
    """
    The migrations that are unapplied, as one process knows them.

    They are read by a thread: a database that does not answer must not hold up the worker. Only
    the first read is awaited; later requests get its result, and begin another read if it is old.
    """

    def __init__(self, read: Callable[[], Iterable[str]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._read_at = float("-inf")
        self._reason = MIGRATIONS_UNREAD
        self._logged = ""

    def why_unapplied(self) -> str:
        """Return why not all migrations are known to be applied, a sentence; empty if they are."""
        with self._lock:
            is_reading = self._thread is not None and self._thread.is_alive()
            is_first = self._thread is None
            if not is_reading and self._reason and time.monotonic() - self._read_at > FRESH_S:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            thread = self._thread
        if is_first and thread is not None:
            thread.join(WAIT_S)
        return self._reason

    def _run(self) -> None:
        try:
            self._reason = describe(list(self._read()))
        except Exception as error:  # noqa: BLE001 - each database has its own errors
            self._reason = UNREADABLE
            # Once, for it may be read every other second.
            if str(error) != self._logged:
                self._logged = str(error)
                logger.warning("The migrations can't be read: %s", error)
        finally:
            connections.close_all()
            self._read_at = time.monotonic()


def describe(apps: list[str]) -> str:
    """Return a sentence on unapplied migrations of these apps; empty if there are none."""
    if not apps:
        return ""
    names = ", ".join(dict.fromkeys(apps))
    verb = "is" if len(apps) == 1 else "are"
    return f"{len(apps)} {verb} unapplied, in {names}."


def unapplied_apps() -> list[str]:
    """Return the app of each migration that is not applied to the default database."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.settings_dict["ENGINE"] == NO_DATABASE:
        return []
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite" and not Path(name).exists() and str(name).startswith("/"):
        # Opening it would create the file.
        return [app for app, _ in MigrationLoader(None).graph.nodes]
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [migration.app_label for migration, _ in plan]


def response_body() -> bytes:
    """Return what the probes read: a JSON object with the reason."""
    return json.dumps({"reason": _check.why_unapplied()}).encode()


# One for each process: a worker is forked without any thread.
_check = MigrationCheck(unapplied_apps)

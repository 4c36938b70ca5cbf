"""The note on unapplied migrations, as runserver prints it."""

import threading
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from django_tandem.cli import console

# A database that doesn't answer must not hold up a start: its servers may well come up later.
PATIENCE_S = 3


def unapplied_migrations() -> list[str]:
    """Return a sentence on the migrations to apply; none when the database can't be read."""
    found: list[str] = []

    def read() -> None:
        try:
            found.extend(sorted(_apps()))
        except Exception:  # noqa: BLE001 - each database has errors of its own
            return
        finally:
            connections.close_all()

    # A daemon, so that a driver that hangs does not keep the command from ending.
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(PATIENCE_S)
    if not found:
        return []
    apps = ", ".join(dict.fromkeys(found))
    count = console.counted(len(found), "unapplied migration")
    return [f"There are {count}, in {apps}. Run `python manage.py migrate`."]


def _apps() -> list[str]:
    connection = connections[DEFAULT_DB_ALIAS]
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite" and not Path(name).exists() and str(name).startswith("/"):
        # Opening it would create the file.
        return [app for app, _ in MigrationLoader(None).graph.nodes]
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [migration.app_label for migration, _ in plan]

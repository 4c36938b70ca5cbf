"""The databases of the settings: of which kind each is, and where its server listens."""

from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from django_tandem.model import Database

# What Django puts where DATABASES has none.
NONE = "django.db.backends.dummy"


def read_databases() -> tuple[Database, ...]:
    """Return those of DATABASES, without a connection to any of them."""
    return tuple(
        _read(alias, given)
        for alias, given in django_settings.DATABASES.items()
        if given.get("ENGINE", NONE) != NONE
    )


def atomic_databases() -> tuple[str, ...]:
    """Return the aliases of those with ATOMIC_REQUESTS."""
    databases = django_settings.DATABASES.items()
    return tuple(alias for alias, given in databases if given.get("ATOMIC_REQUESTS"))


def _read(alias: str, given: dict[str, Any]) -> Database:
    host = str(given.get("HOST") or "")
    return Database(
        alias=alias,
        vendor=_vendor(alias, str(given["ENGINE"])),
        # psycopg takes the directory of a socket for a host.
        host="" if host.startswith(("/", "@")) else host,
        name=str(given.get("NAME") or ""),
        user=str(given.get("USER") or ""),
    )


def _vendor(alias: str, engine: str) -> str:
    try:
        return str(connections[alias].vendor)
    except (ImproperlyConfigured, ImportError):
        # Its driver is not installed here.
        return engine.rpartition(".")[2]

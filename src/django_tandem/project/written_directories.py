"""The directories to which the settings have the project write."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.db import connections

# Where a database is a file.
SQLITE = frozenset({"sqlite3", "spatialite"})
FILE_CACHE = "django.core.cache.backends.filebased.FileBasedCache"
FILE_EMAIL = "django.core.mail.backends.filebased.EmailBackend"


def written_directories(project: Path) -> tuple[str, ...]:
    """Return the absolute paths, without those that are below another of them."""
    found = {Path(project, path).resolve() for path in _paths() if path}
    # A log may be /dev/stderr.
    own = {path for path in found if not path.is_relative_to("/dev")}
    return tuple(sorted(str(path) for path in own if own.isdisjoint(path.parents)))


def sqlite_file(database: Mapping[str, Any]) -> str | None:
    """Return the path of an SQLite database; None for a URI, one in memory or another engine."""
    name = str(database["NAME"])
    is_sqlite = database["ENGINE"].rpartition(".")[2] in SQLITE
    return name if is_sqlite and name and not name.startswith((":", "file:")) else None


def _paths() -> Iterator[Any]:
    yield django_settings.MEDIA_ROOT
    for database in connections.settings.values():
        # SQLite keeps its journal beside the file.
        if file := sqlite_file(database):
            yield Path(file).parent
    for cache in django_settings.CACHES.values():
        if cache.get("BACKEND") == FILE_CACHE:
            yield cache.get("LOCATION")
    yield django_settings.SESSION_FILE_PATH
    yield from _mail_paths()
    for handler in (django_settings.LOGGING or {}).get("handlers", {}).values():
        if file := handler.get("filename"):
            yield Path(file).parent


def _mail_paths() -> Iterator[Any]:
    for mailer in getattr(django_settings, "MAILERS", {}).values():
        if mailer.get("BACKEND") == FILE_EMAIL:
            yield mailer.get("OPTIONS", {}).get("file_path")
    # Since 6.1, Django warns for this setting, and raises for it where MAILERS is set.
    is_set = django_settings.is_overridden("EMAIL_BACKEND")
    if is_set and django_settings.EMAIL_BACKEND == FILE_EMAIL:
        yield django_settings.EMAIL_FILE_PATH

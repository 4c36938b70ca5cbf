"""Checks of what each process keeps for itself, where requests reach several processes."""

import os
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name

from django_tandem.checks.facts import Facts, LocalStore
from django_tandem.model import Stack

Importers = Callable[[str, str], Iterable[str]]

_LOCAL_CACHE = "django.core.cache.backends.locmem.LocMemCache"
_CACHED_SESSIONS = {
    "django.contrib.sessions.backends.cache": "sessions get lost",
    "django.contrib.sessions.backends.cached_db": "sessions become stale",
}
_SHARED_CACHE = "Use a cache that processes share, such as Redis, Memcached or the database."
_TOOLBAR_STORE = "debug_toolbar.store.DatabaseStore"


def stores_are_shared(facts: Facts) -> list[CheckMessage]:
    """Find stores in the memory of one process, where several processes serve the project."""
    processes = sum(map(facts.processes_on, Stack))
    if processes < 2:
        return []
    return [
        Warning(
            f"{store.name} is kept in each process, and {processes} of them serve the project: "
            f"{store.lost}.",
            hint=store.cure,
            obj=store.setting,
            id=store.check,
        )
        for store in facts.local_stores
    ]


def read_local_stores(importers: Importers) -> Iterator[LocalStore]:
    """Yield the stores of this project that live in the memory of one process."""
    yield from _local_caches(importers)
    for alias, database in django_settings.DATABASES.items():
        if _is_in_memory(str(database.get("NAME", ""))):
            yield _other(
                f'The SQLite database "{alias}"',
                setting="DATABASES",
                lost="rows written by one process do not exist in the others",
                cure=f'Name a file in DATABASES["{alias}"]["NAME"].',
            )
    yield from _toolbar()
    yield from _prometheus()


def _local_caches(importers: Importers) -> Iterator[LocalStore]:
    users: dict[str, list[str]] = {}
    engine = django_settings.SESSION_ENGINE
    if engine in _CACHED_SESSIONS and _is_installed("django.contrib.sessions"):
        alias = django_settings.SESSION_CACHE_ALIAS
        users.setdefault(alias, []).append(_CACHED_SESSIONS[engine])
    throttles = getattr(django_settings, "REST_FRAMEWORK", {}) or {}
    if throttles.get("DEFAULT_THROTTLE_CLASSES"):
        users.setdefault("default", []).append("each process counts throttled requests by itself")
    if modules := sorted({*importers("cache", "django.core.cache")}):
        users.setdefault("default", []).append(
            f"most requests don't find what another stored ({', '.join(modules)})"
        )
    for alias, lost in users.items():
        if django_settings.CACHES.get(alias, {}).get("BACKEND") == _LOCAL_CACHE:
            yield LocalStore(
                name=f'The cache "{alias}"',
                setting="CACHES",
                lost="; ".join(lost),
                cure=_SHARED_CACHE,
                check="tandem.W011",
            )


def _toolbar() -> Iterator[LocalStore]:
    if not (django_settings.DEBUG and _is_installed("debug_toolbar")):
        return
    config = getattr(django_settings, "DEBUG_TOOLBAR_CONFIG", {})
    chosen = config.get("TOOLBAR_STORE_CLASS", "debug_toolbar.store.MemoryStore")
    if chosen != "debug_toolbar.store.MemoryStore":
        return
    has_choice = find_spec("debug_toolbar.store") is not None
    yield _other(
        "The store of django-debug-toolbar",
        setting="DEBUG_TOOLBAR_CONFIG",
        lost="most panels can't be opened",
        cure=f'Set DEBUG_TOOLBAR_CONFIG["TOOLBAR_STORE_CLASS"] to "{_TOOLBAR_STORE}"'
        f"{'' if has_choice else ', with django-debug-toolbar 6 or later'}, and run `migrate`.",
    )


def _prometheus() -> Iterator[LocalStore]:
    if _is_installed("django_prometheus") and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        yield _other(
            "The registry of django-prometheus",
            setting="INSTALLED_APPS",
            lost="each scrape shows the metrics of one",
            cure="Set the environment variable PROMETHEUS_MULTIPROC_DIR to a directory.",
        )


def _other(name: str, **values: Any) -> LocalStore:
    return LocalStore(name=name, check="tandem.W012", **values)


def _is_in_memory(name: str) -> bool:
    return name == ":memory:" or "mode=memory" in name


def _is_installed(app: str) -> bool:
    return any(each == app or each.startswith(f"{app}.") for each in django_settings.INSTALLED_APPS)

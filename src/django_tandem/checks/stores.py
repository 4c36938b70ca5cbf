"""
Checks of databases, and of stores that a process or a host keeps for itself.

Where the roles are on several hosts, what one of them keeps is an error.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name
from django.db import connections

from django_tandem.checks.facts import DatabaseFacts, Facts, LocalStore
from django_tandem.inprocess import prometheus_files
from django_tandem.model import Stack
from django_tandem.model.roles import listed_roles
from django_tandem.project.deployment import sqlite_file
from django_tandem.project.redis import read_address

Importers = Callable[[str, str], Iterable[str]]

_LOCAL_CACHE = "django.core.cache.backends.locmem.LocMemCache"
_FILE_CACHE = "django.core.cache.backends.filebased.FileBasedCache"
_FILE_SESSIONS = "django.contrib.sessions.backends.file"
_CACHED_SESSIONS = {
    "django.contrib.sessions.backends.cache": "sessions get lost",
    "django.contrib.sessions.backends.cached_db": "sessions become stale",
}
_SHARED_CACHE = "Use a cache that processes share, such as Redis, Memcached or the database."
_TOOLBAR_STORE = "debug_toolbar.store.DatabaseStore"
# The transports of Celery's broker that have no host.
_LOCAL_BROKERS = ("redis+socket", "memory", "filesystem", "sqla+sqlite")
_SQLITE = ("sqlite3", "spatialite")
_ONE_HOST = "Or run all roles on one host, with `--role all`."


def stores_are_shared(facts: Facts) -> Iterator[CheckMessage]:
    """Find stores in the memory of one process, where several processes serve the project."""
    processes = sum(map(facts.processes_on, Stack))
    if processes < 2:
        return
    for store in facts.local_stores:
        # Several hosts must share these: that is an error there.
        if store.has_files or (facts.spans_hosts and store.holds_requests):
            continue
        yield Warning(
            f"{store.name} is kept in each process, and {processes} of them serve the project: "
            f"{store.lost}.",
            hint=store.cure,
            obj=store.setting,
            id=store.check,
        )


def read_local_stores(importers: Importers, *, has_monitor: bool) -> Iterator[LocalStore]:
    """Yield the stores of this project that live in the memory of one process."""
    yield from _local_caches(importers)
    yield from _session_files()
    for alias, database in django_settings.DATABASES.items():
        if _is_in_memory(str(database.get("NAME", ""))):
            yield _other(
                f'The SQLite database "{alias}"',
                setting="DATABASES",
                lost="rows written by one process do not exist in the others",
                cure=f'Name a file in DATABASES["{alias}"]["NAME"].',
            )
    yield from _toolbar()
    # With it, the plan sets the variable.
    if not has_monitor:
        yield from _prometheus()


def _local_caches(importers: Importers) -> Iterator[LocalStore]:
    users: dict[str, list[str]] = {}
    engine = django_settings.SESSION_ENGINE
    if engine in _CACHED_SESSIONS and _is_installed("django.contrib.sessions"):
        alias = django_settings.SESSION_CACHE_ALIAS
        users.setdefault(alias, []).append(_CACHED_SESSIONS[engine])
    throttles = getattr(django_settings, "REST_FRAMEWORK", {}) or {}
    if throttles.get("DEFAULT_THROTTLE_CLASSES"):
        users.setdefault("default", []).append("each process counts throttled requests separately")
    if modules := sorted({*importers("cache", "django.core.cache")}):
        users.setdefault("default", []).append(
            f"most requests don't find what another stored ({', '.join(modules)})"
        )
    for alias, lost in users.items():
        backend = django_settings.CACHES.get(alias, {}).get("BACKEND")
        if backend in (_LOCAL_CACHE, _FILE_CACHE):
            yield LocalStore(
                name=f'The cache "{alias}"',
                setting="CACHES",
                lost="; ".join(lost),
                cure=_SHARED_CACHE,
                check="tandem.W011",
                has_files=backend == _FILE_CACHE,
                holds_requests=True,
            )


def _session_files() -> Iterator[LocalStore]:
    if django_settings.SESSION_ENGINE == _FILE_SESSIONS and _is_installed(
        "django.contrib.sessions"
    ):
        yield LocalStore(
            name="The directory of the sessions",
            setting="SESSION_ENGINE",
            lost="sessions get lost",
            cure="Use the database, or a cache that all hosts share.",
            check="tandem.E017",
            has_files=True,
            holds_requests=True,
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
    if _is_installed("django_prometheus") and prometheus_files.VARIABLE not in os.environ:
        yield _other(
            "The registry of django-prometheus",
            setting="INSTALLED_APPS",
            lost="each scrape shows the metrics of one",
            cure='Set TANDEM["MONITOR"] to True, or the environment variable '
            "PROMETHEUS_MULTIPROC_DIR to a directory.",
        )


def _other(name: str, **values: Any) -> LocalStore:
    return LocalStore(name=name, check="tandem.W012", **values)


def _is_in_memory(name: str) -> bool:
    return name == ":memory:" or "mode=memory" in name


def _is_installed(app: str) -> bool:
    return any(each == app or each.startswith(f"{app}.") for each in django_settings.INSTALLED_APPS)


# So many routes are named in full.
_NAMED = 5
# Where Django has a connection pool.
_POOLED = {"postgresql", "postgis", "oracle"}


def async_views_have_no_transaction(facts: Facts) -> Iterator[CheckMessage]:
    """Find async views that Django refuses to run for a database's ATOMIC_REQUESTS."""
    for database in facts.databases:
        refused = [view.pattern for view in facts.async_views if database.alias not in view.exempt]
        if database.atomic_requests and refused:
            yield _atomic(database.alias, refused)


def _atomic(alias: str, patterns: list[str]) -> CheckMessage:
    setting = f'DATABASES["{alias}"]["ATOMIC_REQUESTS"]'
    using = "" if alias == "default" else f'(using="{alias}")'
    return Warning(
        f"{setting} is True, and no async view can run in a transaction: Django answers 500 "
        f"at {_listed(patterns)}.",
        hint=f"Put @transaction.non_atomic_requests{using} on each, from django.db.",
        obj="DATABASES",
        id="tandem.W018",
    )


def _listed(patterns: list[str]) -> str:
    more = len(patterns) - _NAMED
    return ", ".join(patterns[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def connections_are_not_leaked(facts: Facts) -> Iterator[CheckMessage]:
    """Find connections that are kept open for a thread which ends with its request."""
    # Ours keeps the threads too.
    if not (facts.serves_http_on_asgi and facts.stock_modules):
        return
    for database in facts.databases:
        if database.conn_max_age != 0:
            yield _kept(database)


def _kept(database: DatabaseFacts) -> CheckMessage:
    setting = f'DATABASES["{database.alias}"]["CONN_MAX_AGE"]'
    pool = ' and take Django\'s pool, "OPTIONS": {"pool": True}, which serves both stacks'
    has_pool = database.engine.rpartition(".")[2] in _POOLED
    return Warning(
        f"{setting} is {database.conn_max_age}, and Django's own ASGI application gives each "
        "request its own thread: no later request uses the connection it keeps open.",
        hint="Import get_asgi_application from django_tandem.asgi, which keeps the threads; or "
        f"set it to 0{pool if has_pool else ''}.",
        obj="DATABASES",
        id="tandem.W006",
    )


def directories_exist(facts: Facts) -> Iterator[CheckMessage]:
    """Find SQLite databases in a directory that does not exist."""
    for database in facts.databases:
        if database.missing_directory:
            yield Warning(
                f'DATABASES["{database.alias}"]["NAME"] is in {database.missing_directory}, which '
                "does not exist: every query fails.",
                hint="Make the directory and run `manage.py migrate`, or correct the path.",
                obj="DATABASES",
                id="tandem.W016",
            )


def read_databases() -> Iterator[DatabaseFacts]:
    """Yield each of DATABASES, without a connection to any."""
    for alias, database in connections.settings.items():
        yield DatabaseFacts(
            alias=alias,
            engine=database["ENGINE"],
            conn_max_age=database["CONN_MAX_AGE"],
            atomic_requests=database["ATOMIC_REQUESTS"],
            missing_directory=_missing_directory(database),
        )


def _missing_directory(database: dict[str, Any]) -> str | None:
    file = sqlite_file(database)
    if not file:
        return None
    directory = Path(file).absolute().parent
    try:
        is_missing = not stat.S_ISDIR(directory.stat().st_mode)
    except PermissionError:
        # In one that this user can't enter, so that nothing is known of it.
        is_missing = False
    except OSError:
        is_missing = True
    return str(directory) if is_missing else None


def servers_are_reached(facts: Facts) -> Iterator[CheckMessage]:
    """Find a channel layer or a broker on a server that no other host reaches."""
    if not facts.spans_hosts:
        return
    if facts.plan.project.needs_redis:
        yield Error(
            "CHANNEL_LAYERS uses the Valkey of `tandem up`, which only this host reaches, and the "
            f'roles are "{listed_roles(facts.plan.roles)}".',
            hint="Set REDIS_URL to the URL of a Redis or Valkey server that all hosts reach. "
            f"{_ONE_HOST}",
            obj="CHANNEL_LAYERS",
            id="tandem.E015",
        )
        return
    for setting, place in facts.local_servers:
        yield Error(
            f"{setting} names {place}, which only this host reaches, and the roles are "
            f'"{listed_roles(facts.plan.roles)}".',
            hint=f"Name a server by its host, which all hosts reach. {_ONE_HOST}",
            obj=setting.partition("[")[0],
            id="tandem.E015",
        )


def databases_are_reached(facts: Facts) -> Iterator[CheckMessage]:
    """Find SQLite databases, which are files of one host."""
    if not facts.spans_hosts:
        return
    for database in facts.databases:
        if database.engine.rpartition(".")[2] in _SQLITE:
            yield Error(
                f'DATABASES["{database.alias}"] is an SQLite database, which only this host '
                f'reaches, and the roles are "{listed_roles(facts.plan.roles)}".',
                hint=f"Use a database server that all hosts reach, such as PostgreSQL. {_ONE_HOST}",
                obj="DATABASES",
                id="tandem.E016",
            )


def stores_are_reached(facts: Facts) -> Iterator[CheckMessage]:
    """Find caches and sessions in the memory of a process or in files of one host."""
    if not facts.spans_hosts:
        return
    for store in facts.local_stores:
        if store.holds_requests:
            yield Error(
                f"{store.name} is kept on each host, and the roles are "
                f'"{listed_roles(facts.plan.roles)}": {store.lost}.',
                hint=f"{store.cure} {_ONE_HOST}",
                obj=store.setting,
                id="tandem.E017",
            )


def read_local_servers() -> Iterator[tuple[str, str]]:
    """Yield each setting that names a server without a host, and what it names."""
    for alias, layer in (getattr(django_settings, "CHANNEL_LAYERS", None) or {}).items():
        hosts = (layer.get("CONFIG") or {}).get("hosts")
        for host in hosts if isinstance(hosts, list | tuple) else ():
            address = read_address(host)
            if address is not None and address.path:
                yield f'CHANNEL_LAYERS["{alias}"]', f"the socket {address.path}"
    scheme = str(getattr(django_settings, "CELERY_BROKER_URL", "")).partition("://")[0]
    if scheme in _LOCAL_BROKERS:
        # Not the whole URL, which may have a password.
        yield "CELERY_BROKER_URL", f"a broker by {scheme}"

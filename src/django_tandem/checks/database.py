"""Checks of transactions and database connections in async code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name
from django.db import connections

from django_tandem.checks.facts import Database, Facts

# So many routes are named in full.
_NAMED = 5
# Where Django has a pool of its own.
_POOLED = {"postgresql", "postgis", "oracle"}
# Where a database is a file.
_FILES = {"sqlite3", "spatialite"}


def async_views_have_no_transaction(facts: Facts) -> list[CheckMessage]:
    """Find async views that Django refuses to run for a database's ATOMIC_REQUESTS."""
    found = []
    for database in facts.databases:
        refused = [view.pattern for view in facts.async_views if database.alias not in view.exempt]
        if database.atomic_requests and refused:
            found.append(_atomic(database.alias, refused))
    return found


def _atomic(alias: str, patterns: list[str]) -> CheckMessage:
    setting = f'DATABASES["{alias}"]["ATOMIC_REQUESTS"]'
    using = "" if alias == "default" else f'(using="{alias}")'
    return Error(
        f"{setting} is True, and no async view can run in a transaction: Django answers 500 "
        f"at {_listed(patterns)}.",
        hint=f"Put @transaction.non_atomic_requests{using} on each, from django.db.",
        obj="DATABASES",
        id="tandem.E009",
    )


def _listed(patterns: list[str]) -> str:
    more = len(patterns) - _NAMED
    return ", ".join(patterns[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def connections_are_not_leaked(facts: Facts) -> list[CheckMessage]:
    """Find connections that are kept open for a thread which ends with its request."""
    # Ours keeps the threads too.
    if not (facts.serves_http_on_asgi and facts.stock_modules):
        return []
    return [_kept(database) for database in facts.databases if database.conn_max_age != 0]


def _kept(database: Database) -> CheckMessage:
    setting = f'DATABASES["{database.alias}"]["CONN_MAX_AGE"]'
    pool = ' and take Django\'s pool, "OPTIONS": {"pool": True}, which serves both stacks'
    has_pool = database.engine.rpartition(".")[2] in _POOLED
    return Warning(
        f"{setting} is {database.conn_max_age}, and Django's own ASGI application gives each "
        "request a thread of its own: no later request uses the connection it keeps open.",
        hint="Import get_asgi_application from django_tandem.asgi, which keeps the threads; or "
        f"set it to 0{pool if has_pool else ''}.",
        obj="DATABASES",
        id="tandem.W006",
    )


def directories_exist(facts: Facts) -> list[CheckMessage]:
    """Find SQLite databases in a directory that does not exist."""
    return [
        Warning(
            f'DATABASES["{database.alias}"]["NAME"] is in {database.missing_directory}, which '
            "does not exist: every query fails.",
            hint="Make the directory and run `manage.py migrate`, or correct the path.",
            obj="DATABASES",
            id="tandem.W016",
        )
        for database in facts.databases
        if database.missing_directory
    ]


def read_databases() -> Iterator[Database]:
    """Yield each of DATABASES, without a connection to any."""
    for alias, database in connections.settings.items():
        yield Database(
            alias=alias,
            engine=database["ENGINE"],
            conn_max_age=database["CONN_MAX_AGE"],
            atomic_requests=database["ATOMIC_REQUESTS"],
            missing_directory=_missing_directory(database),
        )


def _missing_directory(database: dict[str, Any]) -> str | None:
    name = str(database["NAME"])
    # A URI or a database in memory has no directory to look for.
    if database["ENGINE"].rpartition(".")[2] not in _FILES or name.startswith((":", "file:")):
        return None
    directory = Path(name).absolute().parent
    return None if directory.is_dir() else str(directory)

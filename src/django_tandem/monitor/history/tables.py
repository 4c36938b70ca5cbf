"""The tables of the history, its connections and its rows."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django_tandem.monitor.history.packing import DamagedError, pack, unpack
from django_tandem.monitor.minutes import RouteMinute

# The version of the tables, as PRAGMA user_version. The first one is without the columns of ADDED.
VERSION = 2
FIRST_VERSION = 1

HOUR = 60
DAY = 24 * HOUR

# For a lock that another process holds.
TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A table of records of ``minutes`` minutes, which stay until they are ``kept`` minutes old."""

    table: str
    minutes: int
    kept: int


# The finest first. A record of one is made of those of the one before.
TIERS = (
    Tier(table="minutes", minutes=1, kept=DAY),
    Tier(table="ten_minutes", minutes=10, kept=3 * DAY),
    Tier(table="hours", minutes=HOUR, kept=14 * DAY),
)

COLUMNS = (
    "minute", "series", "requests", "errors", "statuses", "durations", "queues", "duration_us",
    "queue_us", "cpu_us", "cpu_known", "worker_us", "bytes_sent", "handovers", "delay_us",
    "blocked_us", "unanswered_us",
)  # fmt: skip
ADDED = ("delay_us", "blocked_us", "unanswered_us")

# Ids are not used again, so that no record gets the name of another route. ``last_day`` is the day
# of the last record, since the epoch: a name that a deploy removed is deleted some time after.
_SCHEMA = """
    CREATE TABLE series (
        id INTEGER PRIMARY KEY AUTOINCREMENT, route TEXT NOT NULL, stack TEXT NOT NULL,
        is_long INTEGER NOT NULL, last_day INTEGER NOT NULL, UNIQUE (route, stack, is_long)
    );
"""
_TABLE = """
    CREATE TABLE {table} (
        minute INTEGER, series INTEGER, requests INTEGER, errors INTEGER, statuses BLOB,
        durations BLOB, queues BLOB, duration_us INTEGER, queue_us INTEGER, cpu_us INTEGER,
        cpu_known INTEGER, worker_us INTEGER, bytes_sent INTEGER, handovers INTEGER,
        delay_us INTEGER NOT NULL DEFAULT 0, blocked_us INTEGER NOT NULL DEFAULT 0,
        unanswered_us INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (minute, series)
    ) WITHOUT ROWID;
"""
# The public part, for any SQLite client.
_VIEW = """
    CREATE VIEW route_minutes AS
    SELECT minute * 60 AS at, minutes, route, stack, is_long, requests, errors,
        duration_us / 1e6 AS duration_s, queue_us / 1e6 AS queue_s, cpu_us / 1e6 AS cpu_s,
        cpu_known, worker_us / 1e6 AS worker_s, bytes_sent, handovers,
        delay_us / 1e6 AS delay_s, blocked_us / 1e6 AS blocked_s,
        unanswered_us / 1e6 AS unanswered_s
    FROM ({tables}) JOIN series ON series = series.id;
"""


# Opening


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Return a connection in which transactions are explicit, and make the tables if need be."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=TIMEOUT_S)
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            _make_tables(connection)
        elif version(connection) == FIRST_VERSION:
            _add_columns(connection)
        _require_version(connection, VERSION)
    except BaseException:
        connection.close()
        raise
    return connection


def version(connection: sqlite3.Connection) -> int:
    """Return the version of the tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _require_version(connection: sqlite3.Connection, *known: int) -> None:
    found = version(connection)
    if found not in known:
        raise DamagedError(f"its format is {found} and not {VERSION}")


def _make_tables(connection: sqlite3.Connection) -> None:
    # It has to come before the first table.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    parts = [_SCHEMA, *(_TABLE.format(table=tier.table) for tier in TIERS), *_view()]
    connection.executescript(f"BEGIN; {''.join(parts)} COMMIT;")


def _add_columns(connection: sqlite3.Connection) -> None:
    parts = [
        f"ALTER TABLE {tier.table} ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0;"
        for tier in TIERS
        for column in ADDED
    ]
    parts += ["DROP VIEW route_minutes;", *_view()]
    connection.executescript(f"BEGIN IMMEDIATE; {''.join(parts)} COMMIT;")


def _view() -> tuple[str, str]:
    """Return the statements that make the view, and note the version."""
    tables = " UNION ALL ".join(
        f"SELECT *, {tier.minutes} AS minutes FROM {tier.table}" for tier in TIERS
    )
    return _VIEW.format(tables=tables), f"PRAGMA user_version = {VERSION};"


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Return a connection that changes no record."""
    # A writer that was killed leaves a journal, which a read-only connection can't apply.
    mode = "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=TIMEOUT_S
    )
    try:
        connection.execute("PRAGMA query_only = ON")
        _require_version(connection, FIRST_VERSION, VERSION)
    except BaseException:
        connection.close()
        raise
    return connection


# Rows


def columns(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the expressions for COLUMNS, in a file of any version that is read."""
    if version(connection) == VERSION:
        return COLUMNS
    return tuple("0" if each in ADDED else each for each in COLUMNS)


def row(series: int, record: RouteMinute) -> tuple[Any, ...]:
    """Return a record as a row of a table, in the order of COLUMNS."""
    return (
        record.minute,
        series,
        record.requests,
        record.errors,
        pack(record.statuses),
        pack(record.durations),
        pack(record.queues),
        _microseconds(record.duration_s),
        _microseconds(record.queue_s),
        _microseconds(record.cpu_s),
        record.cpu_known,
        _microseconds(record.worker_s),
        record.bytes_sent,
        record.handovers,
        _microseconds(record.delay_s),
        _microseconds(record.blocked_s),
        _microseconds(record.unanswered_s),
    )


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)


def record(row: Any, names: Any, minutes: int) -> RouteMinute:
    """Return a row as a record; ``names`` are its route, its stack, and whether it is long."""
    (
        minute, _, _, _, statuses, durations, queues, duration_us, queue_us, cpu_us, cpu_known,
        worker_us, bytes_sent, handovers, delay_us, blocked_us,
        unanswered_us,
    ) = row  # fmt: skip
    route, stack, is_long = names
    return RouteMinute(
        minute=minute,
        minutes=minutes,
        route=route,
        stack=stack,
        is_long=bool(is_long),
        statuses=unpack(statuses),
        durations=unpack(durations),
        queues=unpack(queues),
        duration_s=duration_us / 1e6,
        queue_s=queue_us / 1e6,
        cpu_s=cpu_us / 1e6,
        cpu_known=cpu_known,
        worker_s=worker_us / 1e6,
        bytes_sent=bytes_sent,
        handovers=handovers,
        delay_s=delay_us / 1e6,
        blocked_s=blocked_us / 1e6,
        unanswered_s=unanswered_us / 1e6,
    )

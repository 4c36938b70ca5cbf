"""The reader, for the advisor and for every other command."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

from django_tandem.errors import MachineError
from django_tandem.monitor.history import tables
from django_tandem.monitor.history.packing import DamagedError
from django_tandem.monitor.history.tables import HOUR, TIERS
from django_tandem.monitor.minutes import RouteMinute


def read(path: Path, *, since: float, until: float) -> Iterator[RouteMinute]:
    """
    Yield the records that begin in ``since`` to ``until``, in seconds since the epoch.

    They are sorted by hour, and within it the longest come first. ``path`` is the file or a copy
    of it; without one there is no record. No record is changed, and the writer does not wait while
    one is used. Raises MachineError for a file that can't be read.
    """
    if not path.exists():
        return
    try:
        yield from _read(path, since / 60, until / 60)
    except (sqlite3.Error, DamagedError) as error:
        raise _unreadable(path, error) from error


def last_minute(path: Path) -> int | None:
    """Return the minute of the last record, since the epoch; None without one. Raises as read()."""
    if not path.exists():
        return None
    try:
        with closing(tables.open_for_reading(path)) as connection:
            first, last = _extent(connection)
    except (sqlite3.Error, DamagedError) as error:
        raise _unreadable(path, error) from error
    return last if last >= first else None


def _unreadable(path: Path, error: Exception) -> MachineError:
    return MachineError(
        f"{path} can't be read: {error}.",
        hint="Expected a history.sqlite3, or a copy of one. The monitor of a stack that runs "
        "replaces a damaged one within a minute.",
    )


def _read(path: Path, begin: float, end: float) -> Iterator[RouteMinute]:
    with closing(tables.open_for_reading(path)) as connection:
        found = connection.execute("SELECT id, route, stack, is_long FROM series")
        series = {number: tuple(name) for number, *name in found}
        first, last = _extent(connection)
        hour = int(max(begin, first)) // HOUR * HOUR
        while hour < min(end, last + 1):
            # One statement an hour: all of it is read before the first record is used, and the
            # writer joins records within an hour only.
            for minutes, rows in _read_hour(connection, max(hour, begin), min(hour + HOUR, end)):
                for row in rows:
                    # A route that is new since then is in the next call's answer.
                    if row[1] in series:
                        yield tables.record(row, series[row[1]], minutes)
            hour += HOUR


def _read_hour(
    connection: sqlite3.Connection, begin: float, end: float
) -> list[tuple[int, list[Any]]]:
    columns = tables.columns(connection)
    parts = [
        f"SELECT {tier.minutes}, {', '.join(columns)} FROM {tier.table} "
        "WHERE minute >= :begin AND minute < :end"
        for tier in reversed(TIERS)
    ]
    rows = connection.execute(" UNION ALL ".join(parts), {"begin": begin, "end": end}).fetchall()
    return [
        (minutes, [row[1:] for row in group])
        for minutes, group in groupby(rows, key=lambda row: row[0])
    ]


def _extent(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return the first and the last minute of all records; the last is below the first if none."""
    found = [
        connection.execute(f"SELECT min(minute), max(minute) FROM {tier.table}").fetchone()
        for tier in TIERS
    ]
    firsts = [first for first, _ in found if first is not None]
    lasts = [last for _, last in found if last is not None]
    return min(firsts, default=0), max(lasts, default=-1)

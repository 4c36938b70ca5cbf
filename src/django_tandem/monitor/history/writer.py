"""The writer: one transaction a minute adds records, joins older ones and bounds the file."""

import logging
import shutil
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from django_tandem.monitor.history import tables
from django_tandem.monitor.history.packing import DamagedError
from django_tandem.monitor.history.tables import DAY, HOUR, TIERS, Tier
from django_tandem.monitor.minutes import RouteMinute

logger = logging.getLogger("django_tandem")

# What a damaged file, or one of another version, is renamed to.
SET_ASIDE = "history.sqlite3.damaged"

# The most that the file may have: 2,000 routes with ten requests a minute each need 390 MB. On a
# small file system, such as a container's tmpfs, a tenth of its size is less.
MAX_BYTES = 512 * 1024**2
SHARE_OF_FILE_SYSTEM = 10

# Of records that could not be written; each takes about a kilobyte.
MOST_WAITING = 5000


class HistoryWriter:
    """
    The writer of the file at ``path``, which it makes if need be.

    It may be called in any thread, by one at a time. ``max_bytes`` bounds the file.
    """

    def __init__(self, path: Path, *, max_bytes: int | None = None) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self._is_failing = False
        self._waiting: list[RouteMinute] = []

    def write(self, records: Iterable[RouteMinute], *, now: float | None = None) -> None:
        """
        Add finished minutes in one transaction, and remove or join what is old.

        It is to be called once a minute, also without a record. A record of a minute that is
        there already is added to it. Where the file can't be written, one warning is logged
        and the records wait for the next call, MOST_WAITING of them at most.
        """
        self._waiting += records
        minute = int(time.time() if now is None else now) // 60
        try:
            try:
                self._write(minute)
            except (sqlite3.Error, DamagedError) as error:
                if not _is_damage(error):
                    raise
                self._set_aside(error)
                self._write(minute)
        except (sqlite3.Error, DamagedError, OSError) as error:
            self._waiting = self._waiting[-MOST_WAITING:]
            self._report_failure(error)
        else:
            self._report_success()

    def _write(self, now: int) -> None:
        bound = self.bound()
        # The connection is closed each time, which frees its memory, and no file is in use that
        # somebody has removed.
        with closing(tables.open_for_writing(self.path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            # First, so that the new records have the pages of these.
            for finer, coarser in pairwise(TIERS):
                _roll_up(connection, finer, coarser, now)
            _remove_old(connection, now)
            _store(connection, TIERS[0], _numbered(connection, self._waiting))
            _remove_beyond(connection, bound)
            connection.execute("COMMIT")
            self._waiting = []
            # A reader may hold a lock; the next minute returns them.
            with suppress(sqlite3.OperationalError):
                _return_pages(connection, bound)

    def bound(self) -> int:
        """Return how many bytes the file may have."""
        if self.max_bytes is not None:
            return self.max_bytes
        size = shutil.disk_usage(self.path.parent).total
        # Some file systems have no size.
        return min(MAX_BYTES, size // SHARE_OF_FILE_SYSTEM) if size else MAX_BYTES

    def _set_aside(self, error: Exception) -> None:
        aside = self.path.with_name(SET_ASIDE)
        # Its journal stays: SQLite applies none to a new file, and removes it.
        self.path.replace(aside)
        logger.warning("%s can't be read: %s. It is now %s.", self.path, error, aside.name)

    def _report_failure(self, error: Exception) -> None:
        if not self._is_failing:
            logger.warning(
                "%s can't be written: %s. Until it can, %d records wait in memory at most.",
                self.path,
                error,
                MOST_WAITING,
            )
        self._is_failing = True

    def _report_success(self) -> None:
        if self._is_failing:
            logger.warning("%s can be written again.", self.path)
        self._is_failing = False


def _is_damage(error: Exception) -> bool:
    if isinstance(error, DamagedError):
        return True
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _numbered(
    connection: sqlite3.Connection, records: list[RouteMinute]
) -> list[tuple[int, RouteMinute]]:
    """Return each record with the number of its series, which is made if need be."""
    series = {
        (route, stack, bool(is_long)): (number, last_day)
        for number, route, stack, is_long, last_day in connection.execute("SELECT * FROM series")
    }
    numbered = []
    for record in records:
        names = (record.route, record.stack, record.is_long)
        day = record.minute // DAY
        number, last_day = series.get(names, (0, day))
        if not number:
            made = connection.execute(
                "INSERT INTO series (route, stack, is_long, last_day) VALUES (?, ?, ?, ?)",
                (*names, day),
            )
            number = made.lastrowid or 0
        elif last_day < day:
            connection.execute("UPDATE series SET last_day = ? WHERE id = ?", (day, number))
        series[names] = (number, day)
        numbered.append((number, record))
    return numbered


def _store(
    connection: sqlite3.Connection, tier: Tier, numbered: Iterable[tuple[int, RouteMinute]]
) -> None:
    """Insert records into the table of ``tier``; one that is there already is added to."""
    insert = f"INSERT INTO {tier.table} VALUES ({', '.join('?' * len(tables.COLUMNS))})"
    find = f"SELECT * FROM {tier.table} WHERE minute = ? AND series = ?"
    delete = f"DELETE FROM {tier.table} WHERE minute = ? AND series = ?"
    for series, record in numbered:
        key = (record.minute, series)
        found = connection.execute(find, key).fetchone()
        stored = record
        if found:
            stored = tables.record(
                found, (record.route, record.stack, record.is_long), tier.minutes
            )
            stored.add(record)
            connection.execute(delete, key)
        connection.execute(insert, tables.row(series, stored))


def _roll_up(connection: sqlite3.Connection, finer: Tier, coarser: Tier, now: int) -> None:
    """Join the oldest records of ``finer``, at most those of one record of ``coarser``."""
    (oldest,) = connection.execute(f"SELECT min(minute) FROM {finer.table}").fetchone()
    if oldest is None:
        return
    begin = oldest // coarser.minutes * coarser.minutes
    end = begin + coarser.minutes
    if end > now - finer.kept:
        return
    rows = connection.execute(
        f"SELECT * FROM {finer.table} WHERE minute < ? ORDER BY series",
        (end,),
    )
    joined = (
        (series, _join(list(group), begin, coarser.minutes))
        for series, group in groupby(rows, key=lambda row: int(row[1]))
    )
    _store(connection, coarser, joined)
    connection.execute(f"DELETE FROM {finer.table} WHERE minute < ?", (end,))


def _join(rows: list[Any], minute: int, minutes: int) -> RouteMinute:
    # The series has the names.
    joined, *others = (tables.record(row, ("", "", False), minutes) for row in rows)
    for other in others:
        joined.add(other)
    return replace(joined, minute=minute)


def _remove_old(connection: sqlite3.Connection, now: int) -> None:
    coarsest = TIERS[-1]
    oldest = now - coarsest.kept
    connection.execute(f"DELETE FROM {coarsest.table} WHERE minute < ?", (oldest,))
    # A day more, for a clock that is set back.
    connection.execute("DELETE FROM series WHERE last_day < ?", (oldest // DAY - 1,))


def _remove_beyond(connection: sqlite3.Connection, bound: int) -> None:
    """Remove the oldest hours until the records need at most ``bound`` bytes."""
    while _bytes(connection, used=True) > bound:
        if not _remove_oldest_hour(connection):
            break


def _return_pages(connection: sqlite3.Connection, bound: int) -> None:
    """Return pages without records to the file system, if there are many."""
    # A few are used again soon: those of minutes that became part of ten.
    every = _bytes(connection)
    if every > bound or _bytes(connection, used=True) < every * 3 / 4:
        # A single statement would return a single page.
        connection.executescript("PRAGMA incremental_vacuum")


def _remove_oldest_hour(connection: sqlite3.Connection) -> bool:
    for tier in reversed(TIERS):
        (oldest,) = connection.execute(f"SELECT min(minute) FROM {tier.table}").fetchone()
        if oldest is not None:
            end = oldest // HOUR * HOUR + HOUR
            connection.execute(f"DELETE FROM {tier.table} WHERE minute < ?", (end,))
            return True
    return False


def _bytes(connection: sqlite3.Connection, *, used: bool = False) -> int:
    every, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int(every - free if used else every) * int(size)

"""The writer of the history: its records over two weeks, its bounds and its mishaps."""

import logging
import math
import os
import resource
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from django_tandem.monitor.history import HistoryWriter, read, tables, writer
from django_tandem.monitor.minutes import RouteMinute
from unit.monitor.history.records import DAWN, make_first_version, record

DAY = 24 * 60


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


def everything(path: Path) -> list[RouteMinute]:
    return list(read(path, since=0, until=math.inf))


def write(path: Path, *records: RouteMinute, at: int = DAWN + 1, **options) -> None:
    HistoryWriter(path, **options).write(records, now=at * 60)


def run_minutes(path: Path, minutes: Iterable[int]) -> None:
    """Call the writer in each of ``minutes``, with nothing to add."""
    history = HistoryWriter(path)
    for minute in minutes:
        history.write([], now=minute * 60)


def test_a_record_is_read_as_it_was_written(path) -> None:
    """Each field of it, of ordinary requests and of streams."""
    given = [
        record(statuses={200: 300, 404: 1, 503: 2}, durations={0: 1, 147: 302}, queues={}),
        record(route="feed/", stack="asgi", is_long=True, duration_s=86_400.123456),
        record(route="(edge)", stack="edge", count=1),
    ]

    write(path, *given)

    assert everything(path) == given


def test_a_history_of_the_first_version_is_read_and_then_extended(path) -> None:
    """It is not set aside: two weeks of it would be lost with an upgrade."""
    write(path, record())
    make_first_version(path)
    older = record(delay_s=0.0, blocked_s=0.0, unanswered_s=0.0)

    before = everything(path)
    write(path, record(DAWN + 1), at=DAWN + 2)

    assert before == [older]
    assert everything(path) == [older, record(DAWN + 1)]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT sum(blocked_s) FROM route_minutes").fetchone() == (
            0.0625,
        )


def test_a_minute_that_is_there_is_added_to(path) -> None:
    """A monitor that restarts within a minute writes that minute twice."""
    write(path, record(count=3))
    write(path, record(count=4), record(route="other/", count=1))

    found = {each.route: each.requests for each in everything(path)}
    assert found == {"shop/": 7, "other/": 1}


def test_minutes_of_a_day_ago_become_records_of_ten(path) -> None:
    """Their counts and sums are added; the minutes of the last day stay."""
    write(path, *(record(DAWN + each, count=each + 1) for each in range(12)))

    run_minutes(path, [DAWN + DAY + 9, DAWN + DAY + 10])

    joined, *others = everything(path)
    assert (joined.minute, joined.minutes, joined.requests) == (DAWN, 10, sum(range(1, 11)))
    assert joined.durations == {60: 55}
    assert joined.duration_s == pytest.approx(5.0)
    assert [(each.minute, each.minutes) for each in others] == [(DAWN + 10, 1), (DAWN + 11, 1)]


def test_records_of_three_days_ago_become_those_of_an_hour(path) -> None:
    """And none is lost on the way: each minute calls the writer once."""
    write(path, *(record(DAWN + each, count=1) for each in range(120)))

    run_minutes(path, range(DAWN + DAY, DAWN + DAY + 130))
    run_minutes(path, range(DAWN + 3 * DAY, DAWN + 3 * DAY + 130))

    found = [(each.minute, each.minutes, each.requests) for each in everything(path)]
    assert found == [(DAWN, 60, 60), (DAWN + 60, 60, 60)]


def test_records_of_two_weeks_ago_are_removed(path) -> None:
    """With the names of the routes that have none any more."""
    write(path, record())
    run_minutes(path, range(DAWN + 14 * DAY + 60, DAWN + 14 * DAY + 64))
    assert everything(path) == []

    write(path, record(DAWN + 20 * DAY, route="new/"), at=DAWN + 20 * DAY)

    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT route FROM series").fetchall() == [("new/",)]


def test_a_late_record_joins_those_of_its_hour(path) -> None:
    """A clock that was set back makes minutes that have been joined already."""
    write(path, record(count=1))
    run_minutes(path, [DAWN + DAY + 10])

    write(path, record(DAWN + 3, count=2), at=DAWN + DAY + 11)
    run_minutes(path, [DAWN + DAY + 12])

    assert [(each.minutes, each.requests) for each in everything(path)] == [(10, 3)]


def test_the_file_is_bounded_and_the_oldest_hour_is_removed_first(path) -> None:
    """It stays below its bound, and the newest minute is in it."""
    bound = 200_000
    for hour in range(30):
        minute = DAWN + hour * 60
        write(
            path,
            *(record(minute, route=f"route-{each}/") for each in range(200)),
            at=minute,
            max_bytes=bound,
        )

    hours = sorted({(each.minute - DAWN) // 60 for each in everything(path)})
    assert path.stat().st_size <= bound
    assert hours == list(range(hours[0], 30))
    assert 5 < len(hours) < 20


def test_the_file_shrinks_when_its_records_do(path) -> None:
    """Free pages are returned to the file system once they are more than a quarter."""
    write(path, *(record(route=f"route-{each}/") for each in range(5000)))
    before = path.stat().st_size

    run_minutes(path, range(DAWN + 14 * DAY + 60, DAWN + 14 * DAY + 64))
    run_minutes(path, [DAWN + 17 * DAY])

    assert path.stat().st_size < before / 4


def test_a_file_on_a_small_file_system_is_a_tenth_of_it(path, monkeypatch) -> None:
    """The run directory of a container may be a tmpfs of few megabytes."""
    statvfs = os.statvfs(path.parent)
    history = HistoryWriter(path)

    assert history.bound() == min(512 * 1024**2, statvfs.f_frsize * statvfs.f_blocks // 10)


@pytest.mark.parametrize("damage", ["head", "middle", "counts", "version", "text"])
def test_a_damaged_file_is_set_aside_with_one_line(path, damage, caplog) -> None:
    """The next minute is in a new one, and what there was is kept beside it."""
    write(path, *(record(route=f"route-{each}/") for each in range(2000)))
    reason = _damage(path, damage)
    damaged = path.read_bytes()

    with caplog.at_level(logging.WARNING):
        write(path, record(count=7), at=DAWN + DAY + 20)

    aside = path.with_name("history.sqlite3.damaged")
    assert caplog.messages == [
        f"{path} can't be read: {reason}. It is now history.sqlite3.damaged."
    ]
    assert aside.read_bytes() == damaged
    assert [each.requests for each in everything(path)] == [7]


def _damage(path: Path, kind: str) -> str:
    content = bytearray(path.read_bytes())
    if kind == "head":
        content[:100] = bytes(100)
    elif kind == "middle":
        for page in range(4096, len(content) - 4096, 4096):
            content[page : page + 100] = b"\xff" * 100
    elif kind == "text":
        content = bytearray(b"no database" * 1000)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute(
                "PRAGMA user_version = 7"
                if kind == "version"
                else "UPDATE minutes SET durations = x'01'"
            )
        connection.close()
        return {
            "version": "its format is 7 and not 2",
            "counts": "1 numbers are not pairs",
        }[kind]
    path.write_bytes(content)
    return {
        "head": "file is not a database",
        "middle": "database disk image is malformed",
        "text": "file is not a database",
    }[kind]


def test_the_journal_of_a_damaged_file_is_not_applied_to_the_new_one(path) -> None:
    """It was that of a writer which was killed."""
    write(path, record())
    path.write_bytes(b"no database" * 1000)
    journal = path.with_name(f"{path.name}-journal")
    journal.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(1000))

    write(path, record(count=7))

    assert not journal.exists()
    assert [each.requests for each in everything(path)] == [7]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_cannot_be_written_gets_its_minutes_later(path, caplog) -> None:
    """One line at the first of them, and one when it can be written again."""
    history = HistoryWriter(path)
    history.write([record()], now=(DAWN + 1) * 60)
    caplog.set_level(logging.WARNING)

    # As on a full disk, the file can't grow.
    with largest_file(path.stat().st_size):
        for minute in (1, 2):
            many = (record(DAWN + minute, route=f"route-{each}/") for each in range(2000))
            history.write(many, now=(DAWN + minute + 1) * 60)
    history.write([record(DAWN + 3)], now=(DAWN + 4) * 60)

    kept = Counter(each.minute - DAWN for each in everything(path))
    assert kept == {0: 1, 1: 2000, 2: 2000, 3: 1}
    assert len(caplog.messages) == 2
    assert caplog.messages[0].startswith(f"{path} can't be written: ")
    assert caplog.messages[0].endswith(". Until it can, 5000 records wait in memory at most.")
    assert caplog.messages[1] == f"{path} can be written again."


def test_a_reader_delays_a_minute_and_loses_none(path, monkeypatch) -> None:
    """Any SQLite client may keep a cursor open for as long as it likes."""
    monkeypatch.setattr(tables, "TIMEOUT_S", 0.1)
    history = HistoryWriter(path)
    history.write((record(route=f"route-{each}/") for each in range(500)), now=DAWN * 60)
    with (
        closing(tables.open_for_reading(path)) as reader,
        closing(reader.execute("SELECT * FROM route_minutes")) as cursor,
    ):
        next(cursor)
        history.write([record(DAWN + 1)], now=(DAWN + 2) * 60)
    history.write([record(DAWN + 2)], now=(DAWN + 3) * 60)
    history.write([], now=(DAWN + 4) * 60)

    kept = Counter(each.minute - DAWN for each in everything(path))
    assert kept == {0: 500, 1: 1, 2: 1}


def test_the_records_that_wait_are_bounded(path, monkeypatch) -> None:
    """The oldest are lost first."""
    monkeypatch.setattr(writer, "MOST_WAITING", 2)
    history = HistoryWriter(path)
    path.mkdir()
    for minute in range(4):
        history.write([record(DAWN + minute)], now=(DAWN + minute + 1) * 60)
    path.rmdir()
    history.write([record(DAWN + 4)], now=(DAWN + 5) * 60)

    assert [each.minute - DAWN for each in everything(path)] == [2, 3, 4]


def test_a_file_that_was_removed_begins_again(path) -> None:
    """No connection holds the old one open."""
    history = HistoryWriter(path)
    history.write([record()], now=DAWN * 60)
    path.unlink()

    history.write([record(count=9)], now=DAWN * 60)

    assert [each.requests for each in everything(path)] == [9]

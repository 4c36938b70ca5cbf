"""The reader of the history: a period, a copy, a file in use."""

import math
import re
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from django_tandem.errors import MachineError
from django_tandem.monitor.history import HistoryWriter, read
from unit.monitor.history.records import DAWN, record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "history.sqlite3"
    minutes = [record(DAWN + each, count=each + 1) for each in range(130)]
    HistoryWriter(made).write(minutes, now=(DAWN + 130) * 60)
    return made


def minutes(path: Path, since: float = 0, until: float = math.inf) -> list[int]:
    return [each.minute - DAWN for each in read(path, since=since, until=until)]


def test_records_that_begin_in_the_period_are_read(path) -> None:
    """The end is not part of it, and neither is a minute that began before."""
    assert minutes(path) == list(range(130))
    assert minutes(path, since=(DAWN + 59) * 60, until=(DAWN + 62) * 60) == [59, 60, 61]
    assert minutes(path, since=(DAWN + 128) * 60 + 1) == [129]
    assert minutes(path, until=DAWN * 60) == []


def test_without_a_file_there_is_no_record(tmp_path) -> None:
    """The monitor has not written one yet; reading makes none."""
    assert minutes(tmp_path / "history.sqlite3") == []
    assert list(tmp_path.iterdir()) == []


def test_a_copy_in_a_directory_of_another_is_read(path, tmp_path) -> None:
    """The one file is all: there is no log beside it."""
    archive = tmp_path / "archive?#%"
    archive.mkdir()
    copy = Path(shutil.copy(path, archive / "of monday.sqlite3"))
    copy.chmod(0o444)
    archive.chmod(0o555)

    assert minutes(copy) == list(range(130))
    assert [each.name for each in archive.iterdir()] == ["of monday.sqlite3"]


def test_the_writer_does_not_wait_for_a_reader(path) -> None:
    """Not for one that stops in the middle of an hour either, whose records are not doubled."""
    reader = read(path, since=0, until=math.inf)
    seen = [next(reader).minute]

    # The first ten minutes become one record meanwhile.
    HistoryWriter(path).write([], now=(DAWN + 24 * 60 + 10) * 60)
    seen += [each.minute for each in reader]

    assert [each - DAWN for each in seen] == list(range(130))
    assert minutes(path) == [0, *range(10, 130)]


def test_what_a_killed_writer_has_begun_is_not_read(path, tmp_path) -> None:
    """SQLite's journal takes it back."""
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with sqlite3.connect(path, isolation_level=None) as connection:
        # A small cache, so that changes are in the file before they are committed.
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE minutes SET requests = 0, statuses = x''")
        for each in path.parent.glob("history.sqlite3*"):
            shutil.copy(each, crashed)
        connection.execute("ROLLBACK")
    connection.close()
    assert (crashed / "history.sqlite3-journal").stat().st_size

    assert [each.requests for each in read(crashed / path.name, since=0, until=math.inf)] == list(
        range(1, 131)
    )


def test_a_damaged_file_is_an_error(path) -> None:
    """The command that reads it names it."""
    path.write_bytes(b"no database" * 1000)

    with pytest.raises(MachineError) as raised:
        minutes(path)

    assert str(raised.value) == (
        f"{path} can't be read: file is not a database.\n"
        "  Expected a history.sqlite3, or a copy of one. The monitor of a stack that runs replaces "
        "a damaged one within a minute."
    )


def test_the_view_has_names_and_seconds_for_other_programs(path) -> None:
    """Its columns are the public interface of the file."""
    with sqlite3.connect(path) as connection:
        cursor = connection.execute("SELECT * FROM route_minutes ORDER BY at LIMIT 1")
        columns = [each[0] for each in cursor.description]
        first = dict(zip(columns, cursor.fetchone(), strict=True))

    assert first == {
        "at": DAWN * 60,
        "minutes": 1,
        "route": "shop/",
        "stack": "wsgi",
        "is_long": 0,
        "requests": 1,
        "errors": 0,
        "duration_s": 0.5,
        "queue_s": 0.25,
        "cpu_s": 0.125,
        "cpu_known": 1,
        "delay_s": 0.0625,
        "worker_s": 0.25,
        "bytes_sent": 1000,
        "handovers": 1,
        "blocked_s": 0.0625,
        "unanswered_s": 0.03125,
    }


def test_the_query_of_the_documentation_runs(tmp_path) -> None:
    """It has the means of the last day, by route and stack."""
    page = Path(__file__).parents[4] / "docs" / "reference" / "files.md"
    (query,) = re.findall(r"```sql\n(.*?)```", page.read_text(), re.DOTALL)
    path = tmp_path / "history.sqlite3"
    now = int(time.time()) // 60
    records = [
        record(now - 30, count=3, duration_s=1.5),
        record(now - 20, count=1, duration_s=0.5),
        record(now - 20, route="report/", count=2, duration_s=3.0),
        record(now - 20, route="feed/", is_long=True),
        record(now - 2000),
    ]
    HistoryWriter(path).write(records, now=now * 60)

    with sqlite3.connect(path) as connection:
        found = connection.execute(query).fetchall()

    assert found == [("report/", "wsgi", 2, 1.5), ("shop/", "wsgi", 4, 0.5)]

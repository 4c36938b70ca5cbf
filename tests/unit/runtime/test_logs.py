"""Logs are read from their end, followed through rotation, and cut into lines of bounded length."""

import re
import time
from itertools import islice
from pathlib import Path

import pytest

from django_tandem.model import MAX_LINE_BYTES
from django_tandem.runtime import logs
from django_tandem.runtime.logs import LineSplitter, LogTail


def append(path: Path, text: str) -> None:
    with path.open("a") as log:
        log.write(text)


def test_the_last_lines_come_oldest_first(tmp_path) -> None:
    """A program without a log has none."""
    append(tmp_path / "wsgi-1.log", "".join(f"line {number}\n" for number in range(1000)))

    assert logs.last_lines(tmp_path, "wsgi-1", 2) == ["line 998", "line 999"]
    assert logs.last_lines(tmp_path, "wsgi-1", 0) == []
    assert logs.last_lines(tmp_path, "other", 2) == []


@pytest.mark.parametrize("length", [3, 5000, 70_000])
def test_the_last_lines_may_be_long_and_reach_into_the_rotated_log(length, tmp_path) -> None:
    """As many as were asked for, each of them whole."""
    append(tmp_path / "a.log.1", "".join(f"old {n} {'x' * length}\n" for n in range(10)))
    append(tmp_path / "a.log", "new 0\nnew 1\n")

    found = logs.last_lines(tmp_path, "a", 5)

    if length < MAX_LINE_BYTES:
        expected = [f"old {n} {'x' * length}" for n in (7, 8, 9)]
        assert found == [*expected, "new 0", "new 1"]
    assert found[-2:] == ["new 0", "new 1"]
    assert len(found) == 5


def test_a_line_is_followed_when_it_is_whole(tmp_path) -> None:
    """What was logged before is not repeated."""
    log = tmp_path / "a.log"
    append(log, "before\n")
    tail = LogTail(log)

    append(log, "one\ntw")
    assert tail.read_lines() == [b"one"]
    append(log, "o\n")
    assert tail.read_lines() == [b"two"]


def test_no_line_is_lost_by_a_rotation(tmp_path) -> None:
    """Neither for who follows the log nor for its program, which keeps its descriptor."""
    path = tmp_path / "a.log"
    with path.open("a", buffering=1) as program:
        program.write("before\n")
        tail = LogTail(path)
        program.write("one\ntwo\nthree\n")
        logs.rotate(path, 10)
        assert path.stat().st_size == 0
        program.write("four\n")

        assert tail.read_lines() == [b"one", b"two", b"three", b"four"]
    assert logs.last_lines(tmp_path, "a", 3) == ["two", "three", "four"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.log", "a.log.1"]


def test_what_was_rotated_unread_is_read_in_parts(tmp_path, monkeypatch) -> None:
    """The memory of a reader that fell behind is bounded; the next rotation comes later."""
    monkeypatch.setattr(logs, "READ_BYTES", 8)
    path = tmp_path / "a.log"
    append(path, "before\n")
    tail = LogTail(path)
    append(path, "one\ntwo\nthree\nfour\n")
    logs.rotate(path, 10)
    append(path, "five\n")

    assert tail.read_lines() == [b"one", b"two"]
    assert tail.max_log_bytes == logs.MAX_UNREAD_LOG_BYTES
    append(path, "six, longer than what was read before\n")
    lines = [line for _ in range(8) for line in tail.read_lines()]
    assert lines == [b"three", b"four", b"five", b"six, longer than what was read before"]
    assert tail.max_log_bytes == logs.MAX_LOG_BYTES


def test_a_log_is_read_on_when_its_file_is_replaced(tmp_path) -> None:
    """As a reload does to the log of a generation that was refused."""
    log = tmp_path / "a.log"
    append(log, "one\n")
    tail = LogTail(log)
    log.rename(tmp_path / "kept")
    append(log, "new\n")

    assert tail.read_lines() == [b"new"]


def test_logs_are_followed_after_their_last_lines(tmp_path) -> None:
    """Also those of programs that a reload starts later."""
    append(tmp_path / "a.log", "one\ntwo\nthr")
    programs = ["a"]
    following = logs.follow(tmp_path, lambda: programs, 1)

    assert next(following) == ("a", [b"two"])
    append(tmp_path / "a.log", "ee\n")
    assert next(following) == ("a", [b"three"])
    append(tmp_path / "b.log", "from b\n")
    programs.append("b")
    assert list(islice(following, 2)) == [("a", []), ("b", [b"from b"])]


def test_all_lines_begin_before_the_rotation(tmp_path) -> None:
    """A line that the rotation has split is whole, and the last one needs no end."""
    append(tmp_path / "a.log.1", "one\ntw")
    append(tmp_path / "a.log", "o\nthree")

    assert list(logs.all_lines(tmp_path, "a")) == [b"one", b"two", b"three"]
    assert list(logs.all_lines(tmp_path, "b")) == []


def test_a_carriage_return_ends_a_line() -> None:
    """As in a progress bar; with a newline after it they end one line."""
    splitter = LineSplitter()

    assert splitter.feed(b" 1 %\r 2 %\rdone\r") == [b" 1 %", b" 2 %", b"done"]
    assert splitter.feed(b"\nnext\r\n\n") == [b"next", b""]
    assert splitter.finish() == []


def test_a_line_without_end_is_cut() -> None:
    """Its memory is bounded, and its time linear."""
    splitter = LineSplitter()
    began = time.process_time()

    lines = [line for _ in range(10_000) for line in splitter.feed(b"." * 4096)]

    assert {len(line) for line in lines} == {MAX_LINE_BYTES}
    assert sum(map(len, lines)) + sum(map(len, splitter.finish())) == 10_000 * 4096
    assert time.process_time() - began < 5
    assert [len(line) for line in splitter.feed(b"x" * (MAX_LINE_BYTES + 1) + b"\n")] == [
        MAX_LINE_BYTES,
        1,
    ]


def test_a_line_separates_the_starts(tmp_path) -> None:
    """A failed start shows its own lines alone; an empty log needs no separator."""
    append(tmp_path / "a.log", "old\ncut off")
    append(tmp_path / "b.log", "")

    logs.mark_start(tmp_path)
    append(tmp_path / "a.log", "new\n")

    old, cut, started, new = logs.last_lines(tmp_path, "a", 20)
    assert (old, cut, new) == ("old", "cut off", "new")
    assert re.fullmatch(r"— started 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC —", started)
    assert logs.last_lines(tmp_path, "b", 20) == []
    assert logs.lines_of_this_start(tmp_path, "a", 20) == ["new"]
    assert logs.lines_of_this_start(tmp_path, "b", 20) == []


def test_the_line_between_the_starts_has_the_time_in_utc(tmp_path, monkeypatch) -> None:
    """As the lines of the programs have it, which may be collected from several hosts."""
    append(tmp_path / "a.log", "old\n")
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((2026, 1, 2, 3, 4, 5, 4, 2, 0)))

    logs.mark_start(tmp_path)

    assert logs.last_lines(tmp_path, "a", 1) == ["— started 2026-01-02 03:04:05 UTC —"]


def test_the_line_of_an_earlier_version_separates_the_starts_too(tmp_path) -> None:
    """0.1.0 wrote the local time, without a zone."""
    append(tmp_path / "a.log", "old\n— started 2026-01-02 03:04:05 —\nnew\n")

    assert logs.lines_of_this_start(tmp_path, "a", 20) == ["new"]

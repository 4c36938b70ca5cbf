"""The multiplexer prints each line with its program's name, and never waits for its reader."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_tandem.model import LogFormat
from django_tandem.runtime.logs import LogTail
from django_tandem.runtime.supervisor import log_multiplexer
from django_tandem.runtime.supervisor.log_multiplexer import LogMultiplexer
from django_tandem.runtime.waiting import wait_until


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader, writer
    for end in (reader, writer):
        os.close(end)


def log(run_dir: Path, program: str, text: str) -> None:
    with (run_dir / f"{program}.log").open("a") as file:
        file.write(text)


def read(descriptor: int) -> str:
    data = bytearray()
    try:
        while part := os.read(descriptor, 65536):
            data.extend(part)
    except BlockingIOError:
        pass
    return data.decode()


def test_lines_are_printed_with_their_program(tmp_path, pipe) -> None:
    """What was logged before is not, and the last line of a program that ended is."""
    reader, writer = pipe
    log(tmp_path, "wsgi-1", "of an earlier start\n")
    output = LogMultiplexer(tmp_path, writer)
    output.add("wsgi-1")
    output.add("nginx")
    log(tmp_path, "wsgi-1", "one\ntwo without an end")
    log(tmp_path, "nginx", "three\n")

    output.finish_line("wsgi-1")
    output.print_line("a separate line")
    output._collect()
    output._print()

    assert read(reader) == (
        "wsgi-1     | one\n"
        "nginx      | three\n"
        "wsgi-1     | two without an end\n"
        "tandem     | a separate line\n"
    )


def test_as_json_each_line_is_an_object(tmp_path, pipe) -> None:
    """Without a prefix; a traceback is whole once a round has no further line of it."""
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    output.set_format(LogFormat.JSON)
    for program in ("wsgi-1", "nginx"):
        output.add(program)
    log(tmp_path, "wsgi-1", "Traceback (most recent call last):\n  x\n")
    log(tmp_path, "nginx", '{"status":200}\n')
    output.print_line("wsgi-1 exited; restarting it", "warning")
    output._collect()
    log(tmp_path, "wsgi-1", "KeyError: 1\n")
    output._collect()
    output._collect()
    output._print()

    found = [json.loads(line) for line in read(reader).splitlines()]
    assert [each.pop("time", "")[-6:] for each in found] == ["", "+00:00", "+00:00"]
    assert found == [
        {"status": 200, "program": "nginx", "generation": None},
        {
            "program": "tandem",
            "generation": None,
            "level": "warning",
            "message": "wsgi-1 exited; restarting it",
        },
        {
            "program": "wsgi",
            "generation": 1,
            "level": "error",
            "message": "KeyError: 1",
            "exception": "Traceback (most recent call last):\n  x\nKeyError: 1",
        },
    ]


@pytest.mark.parametrize("has_ended", [True, False])
def test_the_last_traceback_is_printed_at_the_end(has_ended, tmp_path, pipe) -> None:
    """Of a program that ended, and of one that still ran."""
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    output.set_format(LogFormat.JSON)
    output.add("wsgi-1")
    log(tmp_path, "wsgi-1", "Traceback (most recent call last):\n  x\nKeyError: 'x'\n")
    if has_ended:
        output.forget("wsgi-1")

    # The last round of the thread: no further one would find the traceback complete.
    output._is_closing.set()
    output._run()

    [found] = [json.loads(line)["message"] for line in read(reader).splitlines()]
    assert found == "KeyError: 'x'"


def test_another_format_holds_from_the_next_line_on(tmp_path, pipe) -> None:
    """As a reload changes it; what is not whole by then is printed."""
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    output.add("a-1")
    for log_format, line in (
        (LogFormat.JSON, "Traceback (most recent call last):"),
        (LogFormat.TEXT, "b"),
    ):
        output.set_format(log_format)
        log(tmp_path, "a-1", f"{line}\n")
        output._collect()
    output._print()

    first, second = read(reader).splitlines()
    assert json.loads(first)["exception"] == "Traceback (most recent call last):"
    assert second == "a-1        | b"


def test_warnings_that_the_embedded_valkey_prints_for_nothing_are_left_out(tmp_path, pipe) -> None:
    """Of saves, which it never makes; its other warnings are printed, and those of programs."""
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    output.add("valkey")
    output.add("redis-1")
    warning = "7:M 26 Nov # WARNING Memory overcommit must be enabled! Without it, a save may fail"
    log(tmp_path, "valkey", f"{warning}\n7:M 26 Nov # Can't open the socket\n")
    log(tmp_path, "redis-1", f"{warning}\n")

    output._collect()
    output._print()

    assert read(reader) == (
        f"valkey     | 7:M 26 Nov # Can't open the socket\nredis-1    | {warning}\n"
    )


def test_a_request_while_a_server_starts_is_no_error_of_nginx(tmp_path, pipe) -> None:
    """A full queue is one, and so is another socket that is missing."""
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    output.add("nginx")
    while_starting, full, other = (
        f"2026/11/26 20:23:45 [crit] 7#7: *1 connect() to unix:{socket} failed ({reason}) while "
        'connecting to upstream, client: 127.0.0.1, server: , request: "GET / HTTP/1.1"\n'
        for socket, reason in (
            ("wsgi.sock", "2: No such file or directory"),
            ("asgi.sock", "11: Resource temporarily unavailable"),
            ("/run/own.sock", "2: No such file or directory"),
        )
    )
    log(tmp_path, "nginx", f"{while_starting}{full}{other}")

    output._collect()
    output._print()

    assert read(reader) == f"nginx      | {full}nginx      | {other}"


def test_a_removed_program_is_forgotten_after_its_last_lines(tmp_path, pipe) -> None:
    """Each reload removes some; one that is added again is followed again."""
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    output.add("wsgi-1")
    log(tmp_path, "wsgi-1", "one\ntwo without an end")

    output.forget("wsgi-1")
    while output._collect():
        pass
    log(tmp_path, "wsgi-1", "\nnobody's\n")
    output._collect()
    output.add("wsgi-1")
    log(tmp_path, "wsgi-1", "three\n")
    output._collect()
    output._print()

    assert read(reader) == (
        "wsgi-1     | one\nwsgi-1     | two without an end\nwsgi-1     | three\n"
    )
    assert not output._ended


def test_a_log_that_cannot_be_read_now_is_read_later(tmp_path, pipe, monkeypatch) -> None:
    """Such as without a free descriptor: the other logs are printed, and nothing is lost."""
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    for program in ("a", "b", "c"):
        output.add(program)
        log(tmp_path, program, f"of {program}\n")
    unreadable, read_lines = {"a.log", "c.log"}, LogTail.read_lines

    def read_if_readable(tail: LogTail) -> list[bytes]:
        if tail._path.name in unreadable:
            raise OSError(errno.EMFILE, "Too many open files")
        return read_lines(tail)

    monkeypatch.setattr(LogTail, "read_lines", read_if_readable)
    output.forget("c")
    output._collect()
    output._print()
    first = read(reader)
    unreadable.clear()
    while output._collect():
        pass
    output._print()

    assert first == "b          | of b\n"
    assert read(reader) == "a          | of a\nc          | of c\n"


def test_a_rotation_that_fails_ends_no_output(tmp_path, pipe, monkeypatch) -> None:
    """Such as on a file system that became read-only."""
    reader, writer = pipe
    attempts = []

    def fail(path: Path, _max_bytes: int) -> None:
        attempts.append(path)
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(log_multiplexer, "rotate", fail)
    output = LogMultiplexer(tmp_path, writer)
    output.add("a")
    output._thread.start()
    assert wait_until(lambda: len(attempts) > 1, within_s=10)
    log(tmp_path, "a", "after\n")

    output.close(within_s=10)

    assert read(reader) == "a          | after\n"


def test_lines_beyond_the_buffer_are_counted(tmp_path, pipe, monkeypatch) -> None:
    """In their place, once the reader reads again."""
    monkeypatch.setattr(log_multiplexer, "BUFFER_BYTES", 100_000)
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    output.add("a")
    log(tmp_path, "a", f"{'x' * 90}\n" * 3000)

    output._collect()
    output._print()
    output._collect()
    text = read(reader)
    output._print()
    text += read(reader)
    log(tmp_path, "a", "after\n")
    output._collect()
    output._print()

    *lines, count, after = (text + read(reader)).splitlines()
    assert set(lines) == {f"a          | {'x' * 90}"}
    assert count == (
        f"tandem     | {3000 - len(lines)} lines left out, since this output was not read in "
        "time; `tandem logs` has them"
    )
    assert after == "a          | after"


def test_as_json_the_count_of_lost_lines_is_a_number(tmp_path, pipe, monkeypatch) -> None:
    """An alert can be raised by it."""
    monkeypatch.setattr(log_multiplexer, "BUFFER_BYTES", 200)
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    output.set_format(LogFormat.JSON)
    output.add("a")
    log(tmp_path, "a", f"{'x' * 30}\n" * 3)

    output._collect()
    output._print()
    output._print()

    *_, last = read(reader).splitlines()
    lost = json.loads(last)
    assert (lost["level"], lost["lost_lines"]) == ("warning", 2)


def test_what_is_rotated_before_it_is_read_is_counted(tmp_path, pipe, monkeypatch) -> None:
    """A program may log faster than anything reads, and its files stay bounded."""
    monkeypatch.setattr("django_tandem.runtime.logs.READ_BYTES", 8)
    monkeypatch.setattr("django_tandem.runtime.logs.MAX_LOG_BYTES", 10)
    monkeypatch.setattr("django_tandem.runtime.logs.MAX_UNREAD_LOG_BYTES", 10)
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    output.add("a")
    log(tmp_path, "a", "before\n")
    tail = output._tails["a"]
    output._collect()
    for text in ("one\ntwo\nthree\nfour\n", "never read\n", "five\n"):
        log(tmp_path, "a", text)
        output._rotate("a", tail)
        output._collect()
    while output._collect() or tail.is_behind:
        pass
    output._collect()
    output._print()

    prefix = "a          | "
    assert read(reader) == "".join(
        f"{each}\n"
        for each in (
            f"{prefix}before",
            f"{prefix}one",
            f"{prefix}two",
            "tandem     | 11 bytes of a.log left out, since it grew faster than it was read",
            f"{prefix}three",
            f"{prefix}four",
            f"{prefix}five",
        )
    )


def test_requests_that_no_monitor_reads_do_not_fill_the_disk(tmp_path, pipe, monkeypatch) -> None:
    """The length of what was read takes no space, and does not count."""
    reader, writer = pipe
    monkeypatch.setattr(log_multiplexer, "MAX_UNREAD_REQUESTS_BYTES", 8192)
    output = LogMultiplexer(tmp_path, writer)
    requests = tmp_path / "requests.tsv"
    requests.touch()
    os.truncate(requests, 1_000_000)

    output._bound_requests()
    assert requests.stat().st_size == 1_000_000
    requests.write_bytes(b"x" * 20_000)
    output._bound_requests()
    output._print()

    assert requests.stat().st_size == 0
    assert read(reader) == (
        "tandem     | requests.tsv was emptied, since the monitor did not read it\n"
    )


def test_a_path_that_is_not_utf_8_is_printed(tmp_path, pipe) -> None:
    """In both formats; an exception would end the thread, and with it all output."""
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    line = f"{os.fsdecode(b'/srv/caf' + bytes([0xE9]))}/state.json is damaged"

    output.print_line(line)
    output._collect()
    output.set_format(LogFormat.JSON)
    output.print_line(line)
    output._collect()
    output._print()

    text, record = read(reader).splitlines()
    assert text == r"tandem     | /srv/caf\udce9/state.json is damaged"
    assert json.loads(record)["message"] == line


def test_a_closed_reader_is_no_error(tmp_path) -> None:
    """Nothing is printed any more, and nothing is kept."""
    reader, writer = os.pipe()
    os.close(reader)
    output = LogMultiplexer(tmp_path, writer)
    output.print_line("nobody reads this")

    output._collect()
    output._print()

    assert not output._is_read
    assert not output._lines
    os.close(writer)


def test_the_end_waits_for_no_reader_that_stalls(tmp_path, pipe) -> None:
    """A stop is over all the same."""
    _, writer = pipe
    output = LogMultiplexer(tmp_path, writer)
    output.add("a")
    log(tmp_path, "a", f"{'x' * 90}\n" * 3000)
    output._thread.start()

    output.close(within_s=10)

    assert not output._thread.is_alive()


@pytest.mark.parametrize(
    ("is_announced", "is_ready", "expected"),
    [
        (True, False, "tandem     | `tandem logs wsgi-1` shows the whole traceback\n"),
        (False, False, "wsgi-1     | Traceback\n"),
        (True, True, "wsgi-1     | Traceback\n"),
    ],
)
def test_a_traceback_that_the_failed_start_prints_is_not_printed_twice(
    is_announced, is_ready, expected, tmp_path, pipe
) -> None:
    """Plain supervisord reports no start, and a failure after the start has only its log."""
    reader, writer = pipe
    output = LogMultiplexer(tmp_path, writer, is_announced=is_announced)
    output.add("wsgi-1")
    (tmp_path / "master-1.failed").write_text("ValueError")
    if is_ready:
        (tmp_path / "ready").touch()
    log(tmp_path, "wsgi-1", "Traceback\n")

    output._collect()
    output._print()

    assert read(reader) == expected

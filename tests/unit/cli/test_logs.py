"""`tandem logs` prints text and JSON, for a person or as JSON, at once when it follows."""

import io
import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_tandem.cli import logs


def options(**changed: object) -> Namespace:
    defaults = {"programs": [], "follow": False, "lines": 20, "request": None, "json": False}
    return Namespace(**{**defaults, **changed})


@pytest.fixture
def printed(tmp_path, monkeypatch, capsys):
    """Write lines to the log of a program, and return what the command prints of them."""

    def run(*lines: bytes, rotated: tuple[bytes, ...] = (), **changed: object) -> list[str]:
        Path(tmp_path, "wsgi-1.log").write_bytes(b"".join(line + b"\n" for line in lines))
        Path(tmp_path, "wsgi-1.log.1").write_bytes(b"".join(line + b"\n" for line in rotated))
        monkeypatch.setattr(logs, "find_running_dir", lambda _options: tmp_path)
        assert logs.run(options(**changed)) == 0
        return capsys.readouterr().out.splitlines()

    return run


ACCESS = (
    b'{"time":"2026-11-26T18:00:00.123+00:00","level":"info","message":"GET /a/ 200",'
    b'"method":"GET","path":"/a/","route":"/<slug:name>/","stack":"wsgi","handed_over":false,'
    b'"status":200,"bytes":2,"duration_s":0.012,"queue_s":null,"request_id":"abc"}'
)
ERROR = (
    b'{"time": "2026-11-26T18:00:00.123+00:00", "level": "error", "logger": "shop", '
    b'"message": "no such lot", "exception": "Traceback:\\n  x\\nKeyError: 1"}'
)


def test_json_is_printed_for_a_person(printed) -> None:
    """Each of its keys once; a traceback below its line."""
    assert printed(ACCESS, ERROR) == [
        "wsgi-1     | 2026-11-26T18:00:00.123+00:00 INFO GET /a/ 200 route=/<slug:name>/ "
        "stack=wsgi handed_over=false bytes=2 duration_s=0.012 request_id=abc",
        "wsgi-1     | 2026-11-26T18:00:00.123+00:00 ERROR no such lot logger=shop",
        "wsgi-1     | Traceback:",
        "wsgi-1     |   x",
        "wsgi-1     | KeyError: 1",
    ]


def test_json_of_another_kind_is_printed_as_it_is(printed) -> None:
    """The keys are the project's own."""
    assert printed(b'{"event": "sold", "level": "info"}', b"text") == [
        'wsgi-1     | {"event": "sold", "level": "info"}',
        "wsgi-1     | text",
    ]


def test_a_control_character_in_json_reaches_no_terminal(printed) -> None:
    """A client may send any."""
    line = b'{"time": "t", "level": "info", "message": "\\u001b[31m", "agent": "\\u009b"}'

    assert printed(line) == ['wsgi-1     | t INFO \\u001b[31m agent="\\u009b"']


def test_as_json_each_line_is_an_object(printed) -> None:
    """Also of text, whose time is not known, and of a traceback."""
    lines = (b"text", b"Traceback (most recent call last):", b"  x", b"KeyError: 1")
    own = {"program": "wsgi", "generation": 1}

    assert [json.loads(line) for line in printed(ACCESS, *lines, json=True)] == [
        json.loads(ACCESS) | own,
        {"time": None, **own, "level": "info", "message": "text"},
        {
            "time": None,
            **own,
            "level": "error",
            "message": "KeyError: 1",
            "exception": "Traceback (most recent call last):\n  x\nKeyError: 1",
        },
    ]


def test_the_lines_of_one_request(printed) -> None:
    """From the whole log, also before its rotation; the last ones, if there are many."""
    log = {"rotated": (b"1 abc",), "request": "abc"}
    lines = (*[b"another"] * 50, b"2 abc", b"3 abc")

    assert printed(*lines, **log) == [f"wsgi-1     | {number} abc" for number in (1, 2, 3)]
    assert printed(*lines, **log, lines=1) == ["wsgi-1     | 3 abc"]


def test_a_request_without_lines_is_reported(tmp_path, monkeypatch, capsys) -> None:
    """On stderr, as the output is the lines."""
    Path(tmp_path, "wsgi-1.log").write_text("another\n")
    monkeypatch.setattr(logs, "find_running_dir", lambda _options: tmp_path)

    assert logs.run(options(request="abc")) == 0
    assert capsys.readouterr() == ("", 'No line of the log of wsgi-1 has "abc".\n')

    Path(tmp_path, "asgi-1.log").touch()
    assert logs.run(options(request="abc")) == 0
    assert capsys.readouterr() == ("", 'No line of the logs of asgi-1 and wsgi-1 has "abc".\n')


def test_followed_lines_reach_a_pipe_at_once(tmp_path, monkeypatch) -> None:
    """Python keeps up to 8 KiB of what is written to a pipe."""
    pipe = io.BytesIO()
    written = []

    def follow(*_: object) -> Iterator[tuple[str, list[bytes]]]:
        for line in (b"one", b"two"):
            yield "wsgi-1", [line]
            written.append(pipe.getvalue())

    Path(tmp_path, "wsgi-1.log").touch()
    monkeypatch.setattr(logs, "find_running_dir", lambda _options: tmp_path)
    monkeypatch.setattr(logs.logs, "follow", follow)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe))

    assert logs.run(options(follow=True)) == 0
    assert written == [b"wsgi-1     | one\n", b"wsgi-1     | one\nwsgi-1     | two\n"]

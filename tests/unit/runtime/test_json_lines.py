"""Each line of a log becomes one JSON object, for any bytes of a program."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_tandem.model import MAX_LINE_BYTES
from django_tandem.runtime.json_lines import JsonLines, own_object
from django_tandem.runtime.logs import LineSplitter

NOW = "2026-11-26T18:00:00.000+00:00"
WSGI = {"program": "wsgi", "generation": 2}


def convert(*lines: bytes, program: str = "wsgi-2") -> list[dict[str, Any]]:
    """Return the objects of all lines, each of which must be whole."""
    found = JsonLines(program, lambda: NOW)
    return [json.loads(line) for line in [*found.feed(list(lines)), *found.finish()]]


def test_a_line_of_text_is_a_message() -> None:
    """With the time at which it was read, and the program and its generation apart."""
    assert convert(b"hello") == [{"time": NOW, **WSGI, "level": "info", "message": "hello"}]
    assert convert(b"", b"  ") == []


@pytest.mark.parametrize(
    ("program", "name", "generation"),
    [("nginx", "nginx", None), ("asgi-12", "asgi", 12), ("work-er-1", "work-er", 1)],
)
def test_the_generation_is_not_a_part_of_the_program(program, name, generation) -> None:
    """NGINX and Valkey belong to none."""
    (found,) = convert(b"hello", program=program)

    assert (found["program"], found["generation"]) == (name, generation)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            b"2026/11/26 17:30:00 [crit] 7#7: *1 connect() failed",
            ("2026-11-26T17:30:00+00:00", "critical", "7#7: *1 connect() failed"),
        ),
        (b"2026/99/26 17:30:00 [warn] odd", (NOW, "warning", "odd")),
        (
            b"[2026-11-26T19:30:00+0200] [12] [WARNING] Worker 3 ended",
            ("2026-11-26T17:30:00+00:00", "warning", "Worker 3 ended"),
        ),
        (
            b"2026-11-26T19:30:00+0200 [12] [WARNING] WORKER TIMEOUT (pid:3)",
            ("2026-11-26T17:30:00+00:00", "warning", "WORKER TIMEOUT (pid:3)"),
        ),
        (b"[INFO] Starting granian", (NOW, "info", "Starting granian")),
        (b"ERROR:    Application startup failed.", (NOW, "error", "Application startup failed.")),
        (
            b"9:M 2026-11-26T18:30:00.123+01:00 # Failed opening",
            ("2026-11-26T17:30:00.123000+00:00", "warning", "Failed opening"),
        ),
        (b"[notice] an unknown form", (NOW, "info", "[notice] an unknown form")),
    ],
)
def test_the_known_forms_have_their_time_and_level(line, expected) -> None:
    """NGINX, Gunicorn, Granian, Uvicorn and Valkey; in UTC, by Python's names."""
    (found,) = convert(line)

    assert (found["time"], found["level"], found["message"]) == expected


@pytest.mark.parametrize(
    ("line", "level"),
    [
        # Celery
        ("[2026-11-26 18:00:00,123: ERROR/ForkPoolWorker-1] Task shop.sell[7] raised", "error"),
        ("[2026-11-26 18:00:00,123: WARNING/MainProcess] ERROR is a colour", "warning"),
        # Loguru
        ("2026-11-26 18:00:00.123 | ERROR    | shop:sell:12 - boom", "error"),
        ("2026-11-26 18:00:00.123 | SUCCESS  | shop:sell:12 - sold", "info"),
        # django-q2
        ("18:36:29 [Q] ERROR Failed 'sell'", "error"),
        # Huey
        ("[2026-11-26 18:00:00,123] ERROR:huey:Worker-1:Unhandled exception", "error"),
        # Dramatiq
        (
            "[2026-11-26 18:00:00,123] [PID 12345] [MainThread] [dramatiq.MainProcess] "
            "[CRITICAL] boom",
            "critical",
        ),
        # structlog
        ("2026-11-26 18:00:00 [error    ] boom                  lot=7", "error"),
        ("[warning  ] late", "warning"),
        # Django's documentation, and further formats of projects
        ("ERROR 2026-11-26 18:00:00,123 views 12 140 boom", "error"),
        ("2026-11-26 18:00:00,123 ERROR django.request boom", "error"),
        ("2026-11-26 18:00:00,123 django.request WARNING boom", "warning"),
        ("2026-11-26 18:00:00,123 - shop.views - ERROR - boom", "error"),
        ("FATAL boom", "critical"),
        # Sentences
        ("an error occurred", "info"),
        ("Error: no lot", "info"),
        ("The state is ERROR now", "info"),
        ("The state is [ERROR] now", "info"),
        ("GET /ERROR HTTP/1.1", "info"),
        ("ERRORS: none", "info"),
        ("INFORMATION", "info"),
        ("[2026-11-26 18:00:00] 3 lots are in the state ERROR", "info"),
        (f"{'- ' * 200}ERROR", "info"),
    ],
)
def test_other_lines_have_the_level_before_their_message(line, level) -> None:
    """In the forms of task queues and loggers; a level in a sentence is none."""
    (found,) = convert(line.encode())

    assert (found["level"], found["message"]) == (level, line)


def test_pythons_own_form_has_a_logger() -> None:
    """As logging.basicConfig() writes it."""
    (found,) = convert(b"ERROR:shop.views:no such lot")

    assert (found["level"], found["logger"], found["message"]) == (
        "error",
        "shop.views",
        "no such lot",
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{}", b'{"program": "wsgi", "generation": 2}'),
        (b' {"b": 1.10, "a": 2 } ', b'{"b": 1.10, "a": 2, "program": "wsgi", "generation": 2}'),
        (b'{"program": "mine"}', b'{"program": "mine", "generation": 2}'),
        (b'{"program": 1, "generation": {}}', b'{"program": 1, "generation": {}}'),
        (
            '{"a": "\x85\u2028é\x7f"}'.encode(),
            '{"a": "\\u0085\\u2028é\\u007f", "program": "wsgi", "generation": 2}'.encode(),
        ),
        (b'{"a": "\xff\\n"}', b'{"a": "\\\\xff\\n", "program": "wsgi", "generation": 2}'),
    ],
)
def test_an_object_of_the_project_keeps_its_keys(line, expected) -> None:
    """Written as they are; ours are added where they do not clash."""
    assert JsonLines("wsgi-2", lambda: NOW).feed([line]) == [expected]
    json.loads(expected)


@pytest.mark.parametrize(
    "line",
    [b'{"a": NaN}', b'{"a": 1', b"[1]", b'{"a": "\t"}', b"{'a': 1}", b"{" * 60_000 + b"}"],
)
def test_what_only_looks_like_json_is_a_message(line) -> None:
    """A reader would reject it."""
    (found,) = convert(line)

    assert found["message"] == line.decode()


def test_bytes_that_are_no_text_are_escaped() -> None:
    """Also control characters, which a terminal would obey."""
    (line,) = JsonLines("wsgi-2", lambda: NOW).feed([b"\x00\x1b[31m\xff\xc3(\x9b\x7f\xc2\x9b"])

    assert line.isascii()
    assert all(0x20 <= byte < 0x7F for byte in line)
    assert json.loads(line)["message"] == "\x00\x1b[31m\\xff\\xc3(\\x9b\x7f\x9b"


TRACEBACK = b"""Traceback (most recent call last):
  File "a.py", line 1, in <module>
    1 / 0
ZeroDivisionError: division by zero"""
CHAINED = b"\n\nDuring handling of the above exception, another exception occurred:\n\n"
GROUP = b"""  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 1, in <module>
  | ExceptionGroup: two (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: one
    +------------------------------------"""


@pytest.mark.parametrize(
    ("traceback", "message"),
    [
        (TRACEBACK, "ZeroDivisionError: division by zero"),
        (TRACEBACK + CHAINED + TRACEBACK, "ZeroDivisionError: division by zero"),
        (GROUP, "ExceptionGroup: two (1 sub-exception)"),
    ],
    ids=["one", "chained", "group"],
)
def test_a_traceback_is_one_object(traceback, message) -> None:
    """Between other lines, and with the exceptions that it is chained to."""
    before, found, after = convert(b"before", *traceback.split(b"\n"), b"after")

    assert (before["message"], after["message"]) == ("before", "after")
    assert found == {
        "time": NOW,
        **WSGI,
        "level": "error",
        "message": message,
        "exception": traceback.decode(),
    }


def test_an_object_ends_a_traceback() -> None:
    """Several processes write to one log, and one may be killed before it names the exception."""
    found = convert(*TRACEBACK.split(b"\n")[:3], b'{"lot": 7}', b"after")

    assert [each.get("lot") for each in found] == [None, 7, None]
    assert found[0]["exception"] == "\n".join(TRACEBACK.decode().split("\n")[:3])


LOGGING_ERROR = (
    b"--- Logging error ---\n"
    + TRACEBACK
    + b"""
Call stack:
  File "a.py", line 1, in <module>
    log.info("%d", "x")
Message: '%d'
Arguments: ('x',)"""
)


def test_an_error_of_logging_is_one_object() -> None:
    """With the call that logged."""
    before, found, after = convert(b"before", *LOGGING_ERROR.split(b"\n"), b"after")

    assert (before["message"], after["message"]) == ("before", "after")
    assert found == {
        "time": NOW,
        **WSGI,
        "level": "error",
        "message": "ZeroDivisionError: division by zero",
        "exception": LOGGING_ERROR.decode(),
    }


STACK = b"""Stack (most recent call first):
  File "a.py", line 1 in sell
  File "b.py", line 2 in <module>
  ..."""
TIMEOUT = b"2026-11-26T19:30:00+0200 [12] [WARNING] WORKER TIMEOUT (pid:3). Its call stack follows."


def test_the_stack_of_a_blocked_worker_is_a_part_of_its_object() -> None:
    """The worker writes it, after the line of its master."""
    found, after = convert(TIMEOUT, *STACK.split(b"\n"), b"after")

    assert after["message"] == "after"
    assert found == {
        "time": "2026-11-26T17:30:00+00:00",
        **WSGI,
        "level": "warning",
        "message": "WORKER TIMEOUT (pid:3). Its call stack follows.",
        "stack_info": STACK.decode(),
    }


def test_a_stack_that_does_not_follow_is_an_object_itself() -> None:
    """Lines of other processes may be between the two."""
    announced, between, stack = convert(TIMEOUT, b"between", *STACK.split(b"\n"))

    assert "stack_info" not in announced
    assert between["message"] == "between"
    assert (stack["level"], stack["stack_info"]) == ("warning", STACK.decode())


def test_two_tracebacks_are_two_objects() -> None:
    """Without a sentence between them that chains them."""
    found = convert(*TRACEBACK.split(b"\n"), b"", *TRACEBACK.split(b"\n"))

    assert [each["exception"] for each in found] == [TRACEBACK.decode()] * 2


def test_a_traceback_that_arrives_in_parts_is_one_object() -> None:
    """It is complete when a round has no further line."""
    found = JsonLines("wsgi-2", lambda: NOW)
    first, *rest = TRACEBACK.split(b"\n")

    assert found.feed([first]) == found.feed(rest) == []
    (line,) = found.feed([])
    assert json.loads(line)["exception"] == TRACEBACK.decode()
    assert found.feed([]) == []


def test_a_traceback_without_an_end_is_bounded() -> None:
    """As a line is."""
    lines = [b"Traceback (most recent call last):", *[b"  " + b"x" * 998] * 200]
    found = convert(*lines)

    assert 60_000 < len(found[0]["exception"]) < 70_000
    assert sum(len(each["message"]) for each in found[1:]) > 120_000


def test_a_line_of_tandem_has_its_level_and_further_keys() -> None:
    """Such as how many lines were lost."""
    found = json.loads(own_object("2 lines left out", "warning", lost_lines=2))

    assert found.pop("time").endswith("+00:00")
    assert found == {
        "program": "tandem",
        "generation": None,
        "level": "warning",
        "message": "2 lines left out",
        "lost_lines": 2,
    }


@given(st.lists(st.binary().filter(lambda line: b"\n" not in line)))
def test_each_line_of_any_bytes_is_an_object(lines) -> None:
    """One for each that has a text, on one line, in UTF-8."""
    found = JsonLines("wsgi-2", lambda: NOW)
    objects = [*found.feed(lines), *found.finish()]

    assert all(isinstance(json.loads(line.decode()), dict) for line in objects)
    assert not any(b"\n" in line or b"\r" in line for line in objects)


def test_each_piece_of_an_object_that_is_too_long_is_an_object_itself() -> None:
    """Its text is whole in their messages, whatever a piece begins or ends with."""
    inner = json.dumps({"level": "error", "text": '{"a": 1}\n' * 20_000})
    splitter = LineSplitter()
    pieces = [*splitter.feed(f"{inner}\n".encode()), *splitter.finish()]

    assert len(pieces) > 2
    assert max(map(len, pieces)) <= MAX_LINE_BYTES
    found = convert(*pieces)
    assert len(found) == len(pieces)
    assert all((each["program"], each["level"]) == ("wsgi", "info") for each in found)
    assert "".join(each["message"] for each in found) == inner

"""A record of a handler of the standard streams is one JSON object, unless it is JSON already."""

import io
import json
import logging
import sys
from typing import Any

import pytest

from django_tandem.inprocess import json_logging
from django_tandem.inprocess.json_logging import format_record, read_object
from django_tandem.model import MAX_LINE_BYTES
from django_tandem.request_id import CURRENT_REQUEST_ID


class Stderr(io.StringIO):
    def fileno(self) -> int:
        return 2


def handler(stream: Any = None, form: str | logging.Formatter = "%(message)s") -> Any:
    found = logging.StreamHandler(Stderr() if stream is None else stream)
    found.setFormatter(logging.Formatter(form) if isinstance(form, str) else form)
    return found


def record(message: str = "hello", **changed: Any) -> logging.LogRecord:
    given = {"name": "shop", "levelname": "WARNING", "msg": message, "created": 0.5, **changed}
    return logging.makeLogRecord(given)


def formatted(**changed: Any) -> dict[str, Any]:
    return json.loads(format_record(handler(), record(**changed)))


OBJECT = {
    "time": "1970-01-01T00:00:00.500+00:00",
    "level": "warning",
    "logger": "shop",
    "message": "hello",
}


def test_a_record_is_an_object() -> None:
    """With what its formatter leaves out."""
    assert formatted() == OBJECT


def test_extras_are_keys() -> None:
    """Those that JSON has no form for as text; ours take precedence over those of our names."""
    extras = {"lot": 7, "tags": ["a"], "odd": object, "time": "noon", "request": "GET /?secret"}

    assert formatted(**extras) == {**OBJECT, "lot": 7, "tags": ["a"], "odd": "<class 'object'>"}


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("extra", [float("nan"), Unspeakable(), {object(): 1}])
def test_an_extra_that_fails_costs_no_line(extra) -> None:
    """The line is written without the extras."""
    assert formatted(lot=extra) == OBJECT


def test_the_traceback_is_a_part_of_the_object() -> None:
    """And no part of the message."""
    try:
        int("no number")
    except ValueError:
        found = formatted(exc_info=sys.exc_info())

    exception = found.pop("exception")
    assert exception.startswith("Traceback (most recent call last):\n")
    assert exception.endswith("\nValueError: invalid literal for int() with base 10: 'no number'")
    assert found == OBJECT


@pytest.mark.parametrize("text", ["x", "é", "🙂", '"'])
@pytest.mark.parametrize("extras", [{}, {"lot": 7}, {"lot": "x" * MAX_LINE_BYTES}])
def test_a_record_of_any_length_is_one_line_with_its_level(text, extras) -> None:
    """A reader cuts longer lines, whose parts have no level; the end of a traceback names it."""
    long = f"first{text * MAX_LINE_BYTES}last"
    line = format_record(handler(), record(long, exc_text=long, stack_info=long, **extras))
    found = json.loads(line)

    assert len(line) < MAX_LINE_BYTES
    assert {name: found[name] for name in ("time", "level", "logger")} == {
        name: OBJECT[name] for name in ("time", "level", "logger")
    }
    for name in ("message", "exception", "stack_info"):
        kept = found[name].count(text)
        assert found[name].startswith(f"first{text}")
        assert found[name].endswith(f"{text}last")
        assert f" [{len(long) - kept - len('firstlast')} characters left out] " in found[name]
    assert found.get("lot") == (7 if extras.get("lot") == 7 else None)


def test_the_request_id_is_that_of_the_context() -> None:
    """Also with the project's filter, whose dash outside of a request is left out."""
    assert formatted(request_id="-") == OBJECT
    assert formatted(request_id="the project's own")["request_id"] == "the project's own"
    token = CURRENT_REQUEST_ID.set("abc")
    try:
        assert formatted()["request_id"] == "abc"
    finally:
        CURRENT_REQUEST_ID.reset(token)


# As structlog's wrap_for_formatter() logs it.
STRUCTLOG = {"_logger": logging.getLogger("shop"), "_name": "info"}


def test_the_event_of_structlog_is_the_message() -> None:
    """Its other keys are keys of the object, in their order; ours take precedence."""
    event = {"event": "sold", "lot": 7, "level": "info", "_record": object(), "exception": "why"}
    found = formatted(msg=event, **STRUCTLOG)

    assert found == {**OBJECT, "message": "sold", "exception": "why", "lot": 7}


@pytest.mark.parametrize("given", [lambda error: error, lambda _: True, lambda _: sys.exc_info()])
def test_the_exception_of_structlog_is_a_part_of_the_object(given) -> None:
    """In each form that its exc_info may have."""
    try:
        int("no number")
    except ValueError as error:
        found = formatted(msg={"event": "failed", "exc_info": given(error)}, **STRUCTLOG)

    assert found["exception"].startswith("Traceback (most recent call last):\n")
    assert found["exception"].endswith("'no number'")
    assert {**found, "exception": ""} == {**OBJECT, "message": "failed", "exception": ""}


def test_another_dict_is_a_message() -> None:
    """It may be the body of a request."""
    event = {"event": "sold", "request_id": "forged"}

    assert formatted(msg=event) == {**OBJECT, "message": str(event)}


def test_the_request_id_of_a_record_is_preferred(monkeypatch) -> None:
    """The context may be that of a QueueListener's thread."""
    monkeypatch.setattr(logging, "_logRecordFactory", logging.LogRecord)
    monkeypatch.delenv("TANDEM_LOG_FORMAT", raising=False)
    json_logging.install()
    token = CURRENT_REQUEST_ID.set("abc")
    try:
        within = logging.getLogger("shop").makeRecord("shop", 30, "", 0, "hello", (), None)
    finally:
        CURRENT_REQUEST_ID.reset(token)

    found = json.loads(format_record(handler(), within))

    assert found.pop("request_id") == "abc"
    assert found.keys() == OBJECT.keys()


class Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"event": record.getMessage()})


@pytest.mark.parametrize(
    ("form", "expected"),
    [(Json(), '{"event": "hello"}'), ('{"event": "%(message)s"}', '{"event": "hello"}')],
)
def test_a_formatter_that_writes_json_is_left_alone(form, expected) -> None:
    """By its class, or by its format string."""
    assert format_record(handler(form=form), record()) == expected


class Lot(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return '{"lot": 7}'


def test_a_formatter_that_does_not_use_the_message_is_left_alone() -> None:
    """A message that has no text, as its arguments do not fit, is no reason to lose the line."""
    assert format_record(handler(form=Lot()), record("%d", args=("x",))) == '{"lot": 7}'


FORGED = '{"time": "2000", "level": "info", "program": "celery", "request_id": "none"}'


@pytest.mark.parametrize(
    "changed",
    [{"message": "%s", "args": (FORGED,)}, {"message": f" {FORGED}"}],
    ids=["an argument", "a text"],
)
def test_a_message_that_is_an_object_sets_no_key(changed) -> None:
    """It may be the body of a request."""
    found = formatted(**changed)

    assert found == {**OBJECT, "message": found["message"]}
    assert found["message"].strip() == FORGED


@pytest.mark.parametrize("stream", [io.StringIO(), object()])
def test_another_stream_is_left_alone(stream) -> None:
    """A file of the project is the project's."""
    assert format_record(handler(stream), record()) == "hello"


@pytest.mark.parametrize(
    ("value", "is_installed"), [("json", True), ("text", False), (None, False)]
)
def test_it_is_installed_for_json_alone(value, is_installed, monkeypatch) -> None:
    """For handlers that exist, too."""
    monkeypatch.setattr(logging.StreamHandler, "format", logging.Handler.format, raising=False)
    monkeypatch.setattr(logging, "_logRecordFactory", logging.LogRecord)
    monkeypatch.delenv("TANDEM_LOG_FORMAT", raising=False)
    if value:
        monkeypatch.setenv("TANDEM_LOG_FORMAT", value)
    existing = handler()

    json_logging.install()

    assert (read_object(existing.format(record())) == OBJECT) is is_installed

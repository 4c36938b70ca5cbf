"""
The log lines of a served project as JSON objects, where LOG_FORMAT is "json".

A handler of Python's logging that writes to the standard streams writes an object for each record,
with the traceback inside it. A formatter of the project that writes JSON itself is left alone.
Lines of any other origin become objects on stdout: runtime/json_lines.py.
"""

import contextlib
import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from django_tandem import environment
from django_tandem.model import MAX_LINE_BYTES, LogFormat
from django_tandem.request_id import NONE, STAMP, request_id_of, stamp_records

STANDARD_STREAMS = frozenset({1, 2})
# The attributes of each record; all others are an ``extra`` of the project.
OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "asctime",
    "message",
    "taskName",
    # Of Django, whose text has the query, and of Uvicorn.
    "request",
    "server_time",
    "color_message",
    # Of structlog's ProcessorFormatter, whose message is a dict.
    "_logger",
    "_name",
    STAMP,
}
# Further keys of that dict: its message, and what is not for a reader.
STRUCTLOG_KEYS = frozenset({"event", "exc_info", "exception", "_record", "_from_structlog"})

# Of each text of a long record, so that message, exception and call stack fit into a line.
MAX_TEXT_BYTES = 15_000

_formatter = logging.Formatter()


def is_enabled() -> bool:
    """Return whether this process logs JSON."""
    return os.environ.get(environment.LOG_FORMAT) == LogFormat.JSON


def install() -> None:
    """
    Have each record keep its request id, and the handlers of the standard streams write JSON.

    The latter only where LOG_FORMAT is "json".
    """
    stamp_records()
    if is_enabled():
        # Also for handlers that exist, and for those that the project configures later.
        logging.StreamHandler.format = format_record  # type: ignore[method-assign,assignment]


def format_record(handler: "logging.StreamHandler[Any]", record: logging.LogRecord) -> str:
    """Return what ``handler`` writes for the record: an object on one line."""
    text = logging.Handler.format(handler, record)
    if not _is_standard(handler.stream) or _is_json_of_formatter(text, record):
        return text
    own = _describe(record)
    shortened = {name: _shorten(text) for name, text in own.items()}
    extras = _extras(record, own)
    for values in ({**own, **extras}, {**shortened, **extras}, own):
        # An extra may be anything, and its text may fail.
        with contextlib.suppress(Exception):
            line = json.dumps(values, default=str, allow_nan=False)
            if len(line) < MAX_LINE_BYTES:
                return line
    return json.dumps(shortened)


def read_object(text: str) -> dict[str, Any] | None:
    """Return a JSON object that is written on one line, or None for any other text."""
    line = text.strip()
    if not (line.startswith("{") and line.endswith("}")) or "\n" in line:
        return None
    try:
        found = json.loads(line, parse_constant=_raise_invalid)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _raise_invalid(name: str) -> None:
    # Python reads NaN and Infinity, which JSON does not have.
    raise ValueError(name)


def _is_json_of_formatter(text: str, record: logging.LogRecord) -> bool:
    if read_object(text) is None:
        return False
    try:
        # A message may be a client's, who would choose the time, the level and all other keys.
        return text.strip() != record.getMessage().strip()
    except Exception:  # noqa: BLE001 - the formatter has not used it, and a project's text may fail
        return True


def _is_standard(stream: Any) -> bool:
    try:
        return stream.fileno() in STANDARD_STREAMS
    except (AttributeError, OSError, ValueError):
        return False


def _describe(record: logging.LogRecord) -> dict[str, str]:
    event = _structlog_event(record)
    found = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": str(event["event"]) if "event" in event else record.getMessage(),
    }
    if exception := _exception(record, event):
        found["exception"] = exception
    if record.stack_info:
        found["stack_info"] = record.stack_info
    if request_id := request_id_of(record):
        found["request_id"] = request_id
    return found


def _structlog_event(record: logging.LogRecord) -> dict[str, Any]:
    """Return the dict of structlog's wrap_for_formatter(), which sets the logger as an extra."""
    return record.msg if isinstance(record.msg, dict) and hasattr(record, "_logger") else {}


def _exception(record: logging.LogRecord, event: dict[str, Any]) -> str:
    # As the handler's own formatter has made it, if it has.
    if text := record.exc_text or event.get("exception"):
        return str(text)
    given = record.exc_info or event.get("exc_info")
    if isinstance(given, BaseException):
        given = (type(given), given, given.__traceback__)
    elif given and not isinstance(given, tuple):
        # structlog's log.exception(): the record is written while the exception is handled.
        given = sys.exc_info()
    return _formatter.formatException(given) if given and given[0] else ""


def _shorten(text: str) -> str:
    """Leave out the middle of a long text: the end of a traceback names the exception."""
    short, kept = text, MAX_TEXT_BYTES
    # A character has up to 12 bytes in JSON.
    while len(json.dumps(short)) > MAX_TEXT_BYTES:
        kept //= 2
        half = kept // 2
        left_out = f" [{len(text) - 2 * half} characters left out] "
        short = f"{text[:half]}{left_out}{text[-half:]}"
    return short


def _extras(record: logging.LogRecord, own: dict[str, Any]) -> dict[str, Any]:
    event = _structlog_event(record)
    found = [
        *((name, value) for name, value in vars(record).items() if name not in OWN_ATTRIBUTES),
        *((name, value) for name, value in event.items() if name not in STRUCTLOG_KEYS),
    ]
    return {
        name: value
        for name, value in found
        if not (name in own or (name, value) == ("request_id", NONE))
    }

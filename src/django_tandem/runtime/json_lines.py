"""
Lines of a program's log → JSON objects, one on each line.

A line that is an object already keeps its keys. Of the servers whose lines have a known form, the
time and the level are read from it. A traceback becomes one object.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django_tandem.inprocess.json_logging import read_object
from django_tandem.model import MAX_LINE_BYTES
from django_tandem.model.programs import generation_of

INFO, WARNING, ERROR = "info", "warning", "error"
# The names of other programs for the levels of Python, and Valkey's signs.
LEVELS = {
    "trace": "debug",
    "notice": INFO,
    "warn": WARNING,
    "crit": "critical",
    "alert": "critical",
    "emerg": "critical",
    ".": "debug",
    "-": "debug",
    "*": INFO,
    "#": WARNING,
}
# NGINX's error log is in UTC below a stack that logs JSON.
NGINX_TIME = "%Y/%m/%d %H:%M:%S"

_DATE, _TIME = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d"
_PYTHON_LEVEL = r"(?P<level>TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL)"
FORMS = (
    # NGINX's error log.
    r"(?P<nginx>\d{4}/\d\d/\d\d \S+) \[(?P<level>[a-z]+)\] (?P<message>.*)",
    # Gunicorn and Granian.
    rf"\[(?P<time>{_DATE}[T ]{_TIME} ?[-+]\d{{4}})\] \[\d+\] \[{_PYTHON_LEVEL}\] (?P<message>.*)",
    rf"\[{_PYTHON_LEVEL}\] (?P<message>.*)",
    # Uvicorn, and Python's own default.
    rf"{_PYTHON_LEVEL}:(?:\s+(?P<message>.*)|(?P<logger>[\w.-]+):(?P<rest>.*))",
    # Valkey.
    r"\d+:[A-Z] (?P<time>\d{4}-\d\d-\d\dT\S+) (?P<level>[.*#-]) (?P<message>.*)",
)
_FORM = tuple(re.compile(form, re.DOTALL) for form in FORMS)

_TRACEBACK = re.compile(r"\s*(?:\+ Exception Group )?Traceback \(most recent call last\):\s*")
_OF_GROUP = re.compile(r"\s*\| (\S.*)")
CHAINED = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
# Valid in JSON, but a terminal obeys some of them, and some readers end a line at the others.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]")
_UNDECODED = re.compile("[\udc80-\udcff]")


def utc_now() -> str:
    """Return the time in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def own_object(message: str, level: str = INFO, **further: Any) -> str:
    """Return a line of tandem's own as an object."""
    return _dump(
        {
            "time": utc_now(),
            "program": "tandem",
            "generation": None,
            "level": level,
            "message": message,
            **further,
        }
    )


@dataclass(slots=True)
class Traceback:
    """The lines of a traceback so far, with those of the exceptions that it is chained to."""

    lines: list[str]
    size: int = 0
    has_exception: bool = False
    is_chained: bool = False

    @property
    def message(self) -> str:
        """The line that names the last exception, or a group of them."""
        named = (line for line in self.lines if line and not line[0].isspace())
        last = [line for line in named if line not in CHAINED][-1:]
        of_group = (_OF_GROUP.match(line) for line in self.lines)
        first = [found[1] for found in of_group if found][:1]
        return next(iter([*last, *first]), self.lines[0]).strip()

    def takes(self, line: str) -> bool:
        """Add a line that belongs to the traceback, and return whether it does."""
        if self.size > MAX_LINE_BYTES or not self._continues(line):
            return False
        self.lines.append(line)
        self.size += len(line)
        return True

    def _continues(self, line: str) -> bool:
        if not self.has_exception:
            self.has_exception = bool(line) and not line[0].isspace()
            # Each line of an exception group is indented.
            return not (self.has_exception and "+ Exception Group" in self.lines[0])
        if self.is_chained and _TRACEBACK.fullmatch(line):
            self.has_exception = self.is_chained = False
            return True
        self.is_chained = self.is_chained or line in CHAINED
        return line in CHAINED or not line


class JsonLines:
    """
    The lines of one program's log as JSON objects.

    ``now`` returns the time for lines that have none, or None where it is not known.
    """

    def __init__(self, program: str, now: Callable[[], str | None] = utc_now) -> None:
        generation = generation_of(program)
        self._origin = {
            "program": program.removesuffix(f"-{generation}"),
            "generation": generation or None,
        }
        self._now = now
        self._traceback: Traceback | None = None

    def feed(self, lines: Sequence[bytes]) -> list[bytes]:
        """Return the objects that ``lines`` complete; without a line, a traceback is complete."""
        return [each for line in lines for each in self._take(line)] if lines else self.finish()

    def finish(self) -> list[bytes]:
        """Return the object of a traceback whose end is not known, if there is one."""
        traceback, self._traceback = self._traceback, None
        if traceback is None:
            return []
        whole = "\n".join(traceback.lines).rstrip()
        return [self._object(traceback.message, ERROR, exception=whole).encode()]

    def _take(self, line: bytes) -> list[bytes]:
        text = line.decode(errors="backslashreplace")
        if self._traceback is not None and self._traceback.takes(text):
            return []
        before = self.finish()
        if _TRACEBACK.fullmatch(text):
            self._traceback = Traceback([text])
            return before
        # A line without text holds no information.
        return [*before, self._convert(line, text).encode()] if text.strip() else before

    def _convert(self, line: bytes, text: str) -> str:
        if line.lstrip().startswith(b"{"):
            given = line.decode(errors="surrogateescape").strip()
            escaped = _UNDECODED.sub(lambda found: f"\\\\x{ord(found[0]) - 0xDC00:02x}", given)
            if (known := read_object(escaped)) is not None:
                return self._with_origin(escaped, known)
        return self._read(text)

    def _with_origin(self, given: str, known: dict[str, Any]) -> str:
        """Add our keys to an object as it is written: its numbers and the order of keys stay."""
        added = {name: value for name, value in self._origin.items() if name not in known}
        if not added:
            return _escape(given)
        comma = ", " if known else ""
        return _escape(f"{given[:-1].rstrip()}{comma}{json.dumps(added)[1:]}")

    def _read(self, text: str) -> str:
        found = next((match for form in _FORM if (match := form.fullmatch(text))), None)
        if found is None:
            return self._object(text, INFO)
        parts = found.groupdict()
        message = parts.get("message") or parts.get("rest") or ""
        level = parts["level"].lower()
        further = {"logger": parts["logger"]} if parts.get("logger") else {}
        return self._object(
            message, LEVELS.get(level, level), time=_time_of(parts) or self._now(), **further
        )

    def _object(self, message: str, level: str, **further: Any) -> str:
        found = {"time": self._now(), **self._origin, "level": level, "message": message}
        return _dump({**found, **further})


def _time_of(parts: dict[str, str | None]) -> str | None:
    try:
        if given := parts.get("nginx"):
            return datetime.strptime(given, NGINX_TIME).replace(tzinfo=UTC).isoformat()
        if given := parts.get("time"):
            found = datetime.fromisoformat(given.replace(" -", "-").replace(" +", "+"))
            return found.astimezone(UTC).isoformat()
    except ValueError:
        # A line that only looks like one of theirs.
        pass
    return None


def _dump(values: dict[str, Any]) -> str:
    return _escape(json.dumps(values, ensure_ascii=False))


def _escape(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

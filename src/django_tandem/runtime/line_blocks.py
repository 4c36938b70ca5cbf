"""Lines of logs: the forms that programs log in, and the lines that belong together."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from django_tandem.inprocess.json_logging import read_object
from django_tandem.model import MAX_LINE_BYTES

INFO, WARNING, ERROR = "info", "warning", "error"
# The names of other programs for the levels of Python, and Valkey's signs.
LEVELS = {
    "trace": "debug",
    "notice": INFO,
    "success": INFO,
    "warn": WARNING,
    "crit": "critical",
    "fatal": "critical",
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
    # Gunicorn, whose brackets around the time are left out in ISO 8601, and Granian.
    rf"\[?(?P<time>{_DATE}[T ]{_TIME} ?[-+]\d{{4}})\]? \[\d+\] \[{_PYTHON_LEVEL}\] (?P<message>.*)",
    rf"\[{_PYTHON_LEVEL}\] (?P<message>.*)",
    # Uvicorn, and Python's own default.
    rf"{_PYTHON_LEVEL}:(?:\s+(?P<message>.*)|(?P<logger>[\w.-]+):(?P<rest>.*))",
    # Valkey.
    r"\d+:[A-Z] (?P<time>\d{4}-\d\d-\d\dT\S+) (?P<level>[.*#-]) (?P<message>.*)",
)
_FORM = tuple(re.compile(form, re.DOTALL) for form in FORMS)

# Further forms begin with times, numbers, separators and brackets, and possibly a logger.
_PREFIX_CHARACTERS = 100
_ANY_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|SUCCESS|WARN|WARNING|ERROR|CRITICAL|FATAL)"
_STAMP = r"(?:\[[^\]]*\]|[\d:.,+TZ/|-]+)\s+"
_LEVEL = tuple(
    re.compile(form)
    for form in (
        # Dramatiq, and structlog's console.
        rf"(?:{_STAMP})*?\[(?P<level>(?i:{_ANY_LEVEL}))\s*\]",
        # Celery.
        rf"\[[^\]]*?\b(?P<level>{_ANY_LEVEL})/",
        # Loguru, django-q2, Huey, and the formats of Django's documentation.
        rf"(?:(?:{_STAMP})+(?:[a-z][\w.-]*:?\s+(?:[-|:]\s+)?)?)?(?P<level>{_ANY_LEVEL})(?=[\s:\]|]|$)",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is known of a line; its time in ISO 8601, in UTC."""

    message: str
    level: str = INFO
    time: str | None = None
    logger: str | None = None


def read_line(text: str) -> Line:
    """Return the parts of a line in a known form; the message of any other line is all of it."""
    found = next((match for form in _FORM if (match := form.fullmatch(text))), None)
    if found is None:
        return Line(message=text, level=_level_of(text))
    parts = found.groupdict()
    return Line(
        message=parts.get("message") or parts.get("rest") or "",
        level=_known(parts["level"]),
        time=_time_of(parts),
        logger=parts.get("logger"),
    )


def _level_of(text: str) -> str:
    prefix = text[:_PREFIX_CHARACTERS]
    found = next((match for form in _LEVEL if (match := form.match(prefix))), None)
    return INFO if found is None else _known(found["level"])


def _known(level: str) -> str:
    level = level.lower()
    return LEVELS.get(level, level)


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


_TRACEBACK = re.compile(r"\s*(?:\+ Exception Group )?Traceback \(most recent call last\):\s*")
_OF_GROUP = re.compile(r"\s*\| (\S.*)")
CHAINED = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
# Of logging.Handler.handleError().
LOGGING_ERROR, CALL_STACK = "--- Logging error ---", "Call stack:"
_LAST_OF_LOGGING_ERROR = ("Arguments: ", "Use the traceback above ")
# Of faulthandler, and the line of the shared master before it.
STACK_FOLLOWS = "Its call stack follows."
_STACK = re.compile(r"(?:Stack|(?:Current thread|Thread) 0x.*) \(most recent call first\):")


class LineBlock(Protocol):
    """Lines so far that make one object."""

    def takes(self, line: str) -> bool:
        """Add a line that belongs to the block, and return whether it does."""

    def line(self) -> Line:
        """Return the message, and what is known of the block."""

    def texts(self) -> dict[str, str]:
        """Return the further lines, by the key of the object."""


def open_block(line: str) -> LineBlock | None:
    """Return the block that a line begins, if it begins one."""
    if _TRACEBACK.fullmatch(line):
        return Traceback([line])
    if line == LOGGING_ERROR:
        return LoggingError([line])
    if line.endswith(STACK_FOLLOWS):
        return StackTrace(read_line(line), [])
    if _STACK.fullmatch(line):
        return StackTrace(Line(message=line, level=WARNING), [line])
    return None


@dataclass(slots=True)
class Traceback:
    """The lines of a traceback so far, with those of the exceptions that it is chained to."""

    lines: list[str]
    size: int = 0
    has_exception: bool = False
    is_chained: bool = False

    def line(self) -> Line:
        """Return the line that names the last exception, or a group of them."""
        named = (line for line in self.lines if line and not line[0].isspace())
        last = [line for line in named if line not in CHAINED][-1:]
        of_group = (_OF_GROUP.match(line) for line in self.lines)
        first = [found[1] for found in of_group if found][:1]
        message = next(iter([*last, *first]), self.lines[0]).strip()
        return Line(message=message, level=ERROR)

    def texts(self) -> dict[str, str]:
        """Return all lines."""
        return {"exception": _join(self.lines)}

    def takes(self, line: str) -> bool:
        """Add a line that belongs to the traceback, and return whether it does."""
        if self.size > MAX_LINE_BYTES or not self._continues(line):
            return False
        self.lines.append(line)
        self.size += len(line)
        return True

    def _continues(self, line: str) -> bool:
        if not self.has_exception:
            # Several processes write to one log.
            if _is_object(line):
                return False
            self.has_exception = bool(line) and not line[0].isspace()
            # Each line of an exception group is indented.
            return not (self.has_exception and "+ Exception Group" in self.lines[0])
        if self.is_chained and _TRACEBACK.fullmatch(line):
            self.has_exception = self.is_chained = False
            return True
        self.is_chained = self.is_chained or line in CHAINED
        return line in CHAINED or not line


@dataclass(slots=True)
class LoggingError:
    """The lines for a record that could not be written: its traceback, and who logged it."""

    lines: list[str]
    size: int = 0

    def line(self) -> Line:
        """Return the line that names the exception."""
        end = self.lines.index(CALL_STACK) if CALL_STACK in self.lines else None
        named = [line for line in self.lines[:end] if line and not line[0].isspace()]
        return Line(message=named[-1], level=ERROR)

    def texts(self) -> dict[str, str]:
        """Return all lines."""
        return {"exception": _join(self.lines)}

    def takes(self, line: str) -> bool:
        """Add a line up to the one with the arguments, and return whether it is."""
        is_complete = self.lines[-1].startswith(_LAST_OF_LOGGING_ERROR)
        if is_complete or self.size > MAX_LINE_BYTES or _is_object(line):
            return False
        self.lines.append(line)
        self.size += len(line)
        return True


@dataclass(slots=True)
class StackTrace:
    """The call stack of a thread that faulthandler has written, with the line that announces it."""

    first: Line
    lines: list[str]

    def line(self) -> Line:
        """Return the line that announces it."""
        return self.first

    def texts(self) -> dict[str, str]:
        """Return the frames, if they followed."""
        return {"stack_info": _join(self.lines)} if self.lines else {}

    def takes(self, line: str) -> bool:
        """Add a frame, and return whether it is one; faulthandler bounds their number."""
        # "  ..." is the last of a deep call stack.
        takes = line.startswith(("  File ", "  ...")) if self.lines else _STACK.fullmatch(line)
        if takes:
            self.lines.append(line)
        return bool(takes)


def _is_object(line: str) -> bool:
    return line.startswith("{") and read_object(line) is not None


def _join(lines: list[str]) -> str:
    return "\n".join(lines).rstrip()

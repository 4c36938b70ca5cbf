"""The time, the level and the message of a line of text, by the forms that programs log in."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

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

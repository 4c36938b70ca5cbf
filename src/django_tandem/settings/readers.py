"""Readers of one entry of the TANDEM setting: value and path in, typed value out."""

import ipaddress
import os
import re
import shlex
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django_tandem.errors import SettingError, did_you_mean
from django_tandem.model import (
    ConnectionAges,
    DrainMode,
    DrainRule,
    Include,
    LogFormat,
    Pin,
    Stack,
)
from django_tandem.model.stop import SHORTEST_S

_HOST_NAME = re.compile(r"~.+|(?:\*\.|\.)?[\w-]+(?:\.[\w-]+)*(?:\.\*)?|\[[0-9a-fA-F:]+\]")
# The names of the plan's own programs, also with the number that a generation adds.
_OUR_PROGRAMS = re.compile(
    r"(?:nginx|master|wsgi|asgi|channels|valkey|tandem|supervisord?)(?:-[0-9]+)?"
)

# The bytes in each unit of a size, and the seconds in each unit of a duration.
BYTES = {"k": 1024, "m": 1024**2, "g": 1024**3}
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}

# The statuses of requests that NGINX rejects, or to which no server responded.
EDGE_STATUSES = (400, 413, 414, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Reader:
    """
    Read one value; ``expected`` describes the values that ``parse`` accepts.

    ``parse`` gets the value and its path, and raises TypeError or ValueError for any other.
    """

    expected: str
    parse: Callable[[Any, str], Any]

    def __call__(self, value: Any, path: str) -> Any:
        """Return the parsed ``value``; raises SettingError that names ``path``."""
        try:
            return self.parse(value, path)
        except (KeyError, TypeError, ValueError):
            raise SettingError(f"{path}: Expected {self.expected}, got {value!r}.") from None


def reader(expected: str) -> Callable[[Callable[[Any, str], Any]], Reader]:
    """Make a reader of a parse function, as a decorator."""
    return lambda parse: Reader(expected, parse)


def optional(inner: Reader) -> Reader:
    """Return a reader that accepts None too."""
    return Reader(
        f"{inner.expected}, or None",
        lambda value, path: None if value is None else inner.parse(value, path),
    )


def auto(inner: Reader) -> Reader:
    """Return a reader that accepts "auto" too, and returns None for it."""
    return Reader(
        f'{inner.expected}, or "auto"',
        lambda value, path: None if value == "auto" else inner.parse(value, path),
    )


def integer(low: int, high: int | None = None) -> Reader:
    """Return a reader of integers within these bounds."""

    def parse(value: Any, _path: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError
        if value < low or (high is not None and value > high):
            raise ValueError
        return value

    bounds = f"of at least {low}" if high is None else f"from {low} to {high}"
    return Reader(f"an integer {bounds}", parse)


count = integer(1)
stop_s = integer(SHORTEST_S)


@reader("a string")
def text(value: Any, _path: str) -> str:
    """Read a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


@reader("a string or a path")
def file_path(value: Any, _path: str) -> str:
    """Read a path: a string or an object such as pathlib.Path."""
    found = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(found, str) or not found:
        raise ValueError
    return found


@reader('a user such as "www", "www:www-data" or 1000')
def user(value: Any, _path: str) -> str:
    """Read a user, and perhaps a group after a colon, each by its name or number."""
    found = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(found, str) or not re.fullmatch(r"[^:\s]+(:[^:\s]+)?", found):
        raise ValueError
    return found


@reader("True or False")
def flag(value: Any, _path: str) -> bool:
    """Read a boolean."""
    if not isinstance(value, bool):
        raise TypeError
    return value


@reader('a size such as "50M"')
def size(value: Any, _path: str) -> str:
    """Read a size in NGINX's syntax: bytes, or a number with the unit k, m or g."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]+[kKmMgG]?", value):
        raise ValueError
    return value


@reader('a size such as "400M"')
def byte_count(value: Any, path: str) -> int:
    """Read a size in NGINX's syntax that is not zero, in bytes."""
    found = size.parse(value, path).lower()
    count = int(found.rstrip("kmg")) * BYTES.get(found[-1], 1)
    if not count:
        raise ValueError
    return count


@reader('seconds, or a duration such as "90s", "30m", "12h" or "1d"')
def duration(value: Any, _path: str) -> int:
    """Read a duration of at least a second, in seconds."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    found = re.fullmatch(r"([0-9]+)([smhd]?)", text)
    if not found or not int(found[1]):
        raise ValueError
    return int(found[1]) * SECONDS[found[2]]


@reader('a duration, or a dict such as {"WEBSOCKETS": "12h", "STREAMS": "1h"}, or None')
def connection_ages(value: Any, path: str) -> ConnectionAges:
    """Read how long WebSockets and streams may last: one duration for both, or one for each."""
    if value is None:
        return ConnectionAges()
    if not isinstance(value, Mapping):
        both = duration.parse(value, path)
        return ConnectionAges(websockets_s=both, streams_s=both)
    wanted = optional(duration)
    given = table(value, path, {"WEBSOCKETS": wanted, "STREAMS": wanted})
    return ConnectionAges(websockets_s=given.get("WEBSOCKETS"), streams_s=given.get("STREAMS"))


@reader('a host name such as "www.example.com"')
def host_name(value: Any, _path: str) -> str:
    """Read a server name in NGINX's syntax: a name, one with a wildcard, or ``~`` and a regex."""
    if not isinstance(value, str) or not _HOST_NAME.fullmatch(value):
        raise ValueError
    return value


@reader('an address or a network such as "10.0.0.0/8"')
def network(value: Any, _path: str) -> str:
    """Read an IP address or a network."""
    if not isinstance(value, str):
        raise TypeError
    ipaddress.ip_network(value)
    return value


@reader('"auto" or "django"')
def handler(value: Any, _path: str) -> str:
    """Read which ASGI handler serves."""
    if value not in ("auto", "django"):
        raise ValueError
    return str(value)


@reader('"text" or "json"')
def log_format(value: Any, _path: str) -> LogFormat:
    """Read the format of the logs."""
    return LogFormat(value)


@reader('"ignore" or "check"')
def migrations(value: Any, _path: str) -> bool:
    """Read whether unapplied migrations are checked."""
    if value not in ("ignore", "check"):
        raise ValueError
    return bool(value == "check")


@reader('"wsgi" or "asgi"')
def stack(value: Any, _path: str) -> Stack:
    """Read the name of a stack."""
    return Stack(value)


def list_of(inner: Reader, items: str) -> Reader:
    """Return a reader of lists; ``items`` is the plural of what ``inner`` expects."""

    def parse(value: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise TypeError
        return tuple(inner(item, f"{path}[{index}]") for index, item in enumerate(value))

    return Reader(f"a list of {items}", parse)


texts = list_of(text, "strings")
arguments = list_of(file_path, "strings or paths")


@reader("a string, or a list of strings that is not empty")
def one_or_more_texts(value: Any, path: str) -> tuple[str, ...]:
    """Read a string or a list of at least one."""
    if not value:
        raise ValueError
    return (value,) if isinstance(value, str) else texts.parse(value, path)


@reader("a string or a path, or a list of them")
def file_paths(value: Any, path: str) -> tuple[str, ...]:
    """Read one path or any number of them."""
    return (
        arguments.parse(value, path)
        if isinstance(value, list | tuple)
        else (file_path(value, path),)
    )


@reader('a pin such as ("/ws/", "asgi"), or ("/ws/", "asgi", {"STRIP": True})')
def pin(value: Any, path: str) -> Pin:
    """Read ``(target, stack)``, or ``(prefix, stack, {"STRIP": True})``."""
    if not isinstance(value, list | tuple) or len(value) not in (2, 3):
        raise ValueError
    options = table(value[2], f"{path}[2]", {"STRIP": flag}) if len(value) == 3 else {}
    found = Pin(
        target=text(value[0], f"{path}[0]"),
        stack=stack(value[1], f"{path}[1]"),
        strip=options.get("STRIP", False),
    )
    _check_strip(found, path)
    return found


pins = list_of(pin, 'pins such as ("/ws/", "asgi")')


def _check_strip(found: Pin, path: str) -> None:
    if found.strip and found.stack is Stack.WSGI:
        raise SettingError(
            f"{path}: STRIP works for ASGI only, and {found.target!r} is pinned to WSGI.",
            hint="Remove STRIP: WSGI serves the paths of the URLconf.",
        )
    if found.strip and not (found.is_prefix and found.target.endswith("/")):
        raise SettingError(
            f"{path}: STRIP needs a path prefix, got {found.target!r}.",
            hint='A prefix begins and ends with a slash, such as "/ws/".',
        )


@reader('"spread", "wait", or a list of pairs such as [("/ws/calls/", "wait")]')
def drain(value: Any, path: str) -> tuple[DrainRule, ...]:
    """Read one mode for all paths, or one for each prefix, of which the first one counts."""
    if isinstance(value, str):
        return (DrainRule(prefix="/", mode=DrainMode(value)),)
    return tuple(drain_rules.parse(value, path))


@reader('a pair such as ("/ws/calls/", "wait")')
def drain_rule(value: Any, path: str) -> DrainRule:
    """Read ``(prefix, mode)``."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError
    prefix = text(value[0], f"{path}[0]")
    if not prefix.startswith("/"):
        raise SettingError(
            f'{path}: Expected a path prefix, got "{prefix}".',
            hint='A prefix begins with a slash, such as "/ws/calls/".',
        )
    return DrainRule(prefix=prefix, mode=drain_mode(value[1], f"{path}[1]"))


@reader('"spread" or "wait"')
def drain_mode(value: Any, _path: str) -> DrainMode:
    """Read how connections end."""
    return DrainMode(value)


drain_rules = list_of(drain_rule, 'pairs such as ("/ws/calls/", "wait")')


@reader('files by status, such as {503: "errors/503.html"}')
def error_pages(value: Any, path: str) -> tuple[tuple[int, str], ...]:
    """Read the pages for statuses with which the edge itself answers."""
    if not isinstance(value, Mapping):
        raise TypeError
    return tuple(
        (_edge_status(status, path), file_path(page, f"{path}[{status!r}]"))
        for status, page in value.items()
    )


def _edge_status(status: Any, path: str) -> int:
    # A key of a JSON object is a string.
    if str(status) not in map(str, EDGE_STATUSES):
        statuses = ", ".join(map(str, EDGE_STATUSES))
        raise SettingError(
            f"{path}: {status!r} is not a status with which NGINX itself answers.",
            hint=f"Those are {statuses}; Django's templates are for the statuses of its views.",
        )
    return int(status)


def programs_of(entry: Reader) -> Reader:
    """Return a reader of programs by name, each of which ``entry`` reads."""

    def parse(value: Any, path: str) -> tuple[tuple[str, Any], ...]:
        if not isinstance(value, Mapping):
            raise TypeError
        return tuple(
            (_program_name(name, path), entry(given, f'{path}["{name}"]'))
            for name, given in value.items()
        )

    return Reader('programs by name, such as {"celery": ["celery", "-A", "config"]}', parse)


def _program_name(name: Any, path: str) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise SettingError(
            f"{path}: {name!r} is not a name for a program.",
            hint="A name has letters, digits, dots, dashes and underscores.",
        )
    if _OUR_PROGRAMS.fullmatch(name):
        raise SettingError(
            f'{path}["{name}"] has the name of one of tandem\'s own programs.',
            hint="Choose another name.",
        )
    return name


@reader("a string, or a list of strings or paths")
def command(value: Any, path: str) -> tuple[str, ...]:
    """Read a command line: an argv list, or a string split as a shell does; no shell runs."""
    try:
        argv = tuple(shlex.split(value)) if isinstance(value, str) else arguments(value, path)
    except ValueError:
        raise SettingError(
            f"{path}: {value!r} has a quote or a backslash that is not closed.",
            hint="Close it, or write the command as a list of arguments.",
        ) from None
    if not argv:
        raise SettingError(f"{path}: Expected a command and its arguments, got {value!r}.")
    return argv


@reader('a file, or files by block such as {"http": "http.conf", "server": "server.conf"}')
def include(value: Any, path: str) -> Include:
    """Read a file for NGINX's server block, or one for its http block too."""
    if isinstance(value, Mapping):
        return Include(**table(value, path, {"http": file_path, "server": file_path}))
    return Include(server=file_path.parse(value, path))


@reader('a signal such as "TERM" or "INT"')
def stop_signal(value: Any, _path: str) -> str:
    """Read the name of a signal, with or without SIG."""
    if not isinstance(value, str):
        raise TypeError
    return signal.Signals[f"SIG{value.removeprefix('SIG')}"].name.removeprefix("SIG")


@reader('environment variables, such as {"QUEUE": "mail"}')
def variables(value: Any, path: str) -> tuple[tuple[str, str], ...]:
    """Read environment variables by name."""
    if not isinstance(value, Mapping):
        raise TypeError
    return tuple(
        (_variable_name(name, path), _variable(given, f'{path}["{name}"]'))
        for name, given in value.items()
    )


def _variable_name(name: Any, path: str) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise SettingError(
            f"{path}: {name!r} is not a name for an environment variable.",
            hint="A name has letters, digits and underscores, and does not begin with a digit.",
        )
    return name


def _variable(value: Any, path: str) -> str:
    found = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(found, str):
        raise SettingError(f"{path}: Expected a string or a path, got {value!r}.")
    return found


def table(value: Any, path: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Read a dict with the keys of ``readers``; any other key is an error."""
    keys = ", ".join(f'"{key}"' for key in readers)
    if not isinstance(value, Mapping):
        raise SettingError(f"{path}: Expected a dict, got {value!r}.", hint=f"Its keys: {keys}.")
    for key in value:
        if key not in readers:
            hint = did_you_mean(str(key).upper(), readers, otherwise=f"The options are {keys}.")
            raise SettingError(f'{path}["{key}"] is not an option.', hint=hint)
    return {key: readers[key](given, f'{path}["{key}"]') for key, given in value.items()}

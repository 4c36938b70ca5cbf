"""Readers of the values that one option alone takes, such as pins and programs."""

import ipaddress
import os
import re
import shlex
import signal
from collections.abc import Mapping
from typing import Any

from django_tandem.errors import SettingError
from django_tandem.model import (
    ConnectionAges,
    DrainMode,
    DrainRule,
    Include,
    LogFormat,
    Pin,
    Stack,
)
from django_tandem.model.connections import SlowClient
from django_tandem.model.stop import SHORTEST_S
from django_tandem.settings.readers import (
    Reader,
    arguments,
    duration,
    file_path,
    flag,
    integer,
    list_of,
    optional,
    reader,
    table,
    text,
)

_HOST_NAME = re.compile(r"~.+|(?:\*\.|\.)?[\w-]+(?:\.[\w-]+)*(?:\.\*)?|\[[0-9a-fA-F:]+\]")

# The names of the plan's own programs, also with the number that a generation adds.
_OUR_PROGRAMS = re.compile(
    r"(?:nginx|master|monitor|wsgi|asgi|channels|valkey|tandem|supervisord?)(?:-[0-9]+)?"
)

# The statuses of requests that NGINX rejects, or to which no server responded.
EDGE_STATUSES = (400, 413, 414, 502, 503, 504)

# With and without SIG.
_SIGNALS = tuple(
    name for each in signal.Signals for name in (each.name, each.name.removeprefix("SIG"))
)

stop_s = integer(SHORTEST_S)


@reader('a group such as "deploy" or 1000')
def group(value: Any, _path: str) -> str:
    """Read a group by its name or number."""
    found = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(found, str) or not re.fullmatch(r"[^:\s]+", found):
        raise ValueError
    return found


@reader('a user such as "www", "www:www-data" or 1000')
def user(value: Any, _path: str) -> str:
    """Read a user, and perhaps a group after a colon, each by its name or number."""
    found = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(found, str) or not re.fullmatch(r"[^:\s]+(:[^:\s]+)?", found):
        raise ValueError
    return found


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


@reader('an address such as "127.0.0.1:8002"')
def metrics_address(value: Any, _path: str) -> str:
    """Read where the monitor listens; the plan reads the address itself."""
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


@reader('an address or a network such as "10.0.0.0/8"')
def network(value: Any, _path: str) -> str:
    """Read an IP address or a network."""
    if not isinstance(value, str):
        raise TypeError
    ipaddress.ip_network(value)
    return value


@reader('"auto" or "django"', "auto", "django")
def handler(value: Any, _path: str) -> str:
    """Read which ASGI handler serves."""
    if value not in ("auto", "django"):
        raise ValueError
    return str(value)


@reader('"text" or "json"', *LogFormat)
def log_format(value: Any, _path: str) -> LogFormat:
    """Read the format of the logs."""
    return LogFormat(value)


@reader('"close", "drop_oldest" or "latest"', *SlowClient)
def slow_client(value: Any, _path: str) -> SlowClient:
    """Read what happens to a client that reads too slowly."""
    return SlowClient(value)


@reader('"ignore" or "check"', "ignore", "check")
def migrations(value: Any, _path: str) -> bool:
    """Read whether unapplied migrations are checked."""
    if value not in ("ignore", "check"):
        raise ValueError
    return bool(value == "check")


@reader("a number of seconds above 0")
def seconds(value: Any, _path: str) -> float:
    """Read a number of seconds, which may have a fraction."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError
    if not 0 < value < float("inf"):
        raise ValueError
    return float(value)


@reader('"wsgi" or "asgi"', *Stack)
def stack(value: Any, _path: str) -> Stack:
    """Read the name of a stack."""
    return Stack(value)


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


@reader('"spread", "wait", or a list of pairs such as [("/ws/calls/", "wait")]', *DrainMode)
def drain(value: Any, path: str) -> tuple[DrainRule, ...]:
    """Read one mode for all paths, or one for each prefix, where the first match counts."""
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


drain_rules = list_of(drain_rule, 'pairs such as ("/ws/calls/", "wait")')


@reader('"spread" or "wait"', *DrainMode)
def drain_mode(value: Any, _path: str) -> DrainMode:
    """Read how connections end."""
    return DrainMode(value)


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
    """Return a reader of programs by name; ``entry`` reads each."""

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


@reader('a signal such as "TERM" or "INT"', *_SIGNALS)
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

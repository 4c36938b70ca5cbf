"""How one entry of the TANDEM setting is read: a value and its path in, a typed value out."""

import ipaddress
import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django_tandem.errors import SettingError, did_you_mean
from django_tandem.model import Pin, Stack

_HOST_NAME = re.compile(r"~.+|(?:\*\.|\.)?[\w-]+(?:\.[\w-]+)*(?:\.\*)?|\[[0-9a-fA-F:]+\]")
# What the plan itself calls a program, and what supervisord would take for one of a generation.
_OUR_PROGRAMS = re.compile(r"(?:nginx|wsgi|asgi|channels|valkey|tandem|supervisord?)(?:-[0-9]+)?")

Reader = Callable[[Any, str], Any]


def wrong(path: str, value: object, wanted: str) -> SettingError:
    """Return the error for a ``value`` at ``path`` that is not what is ``wanted``."""
    return SettingError(f"{path} is {value!r}.", hint=f"It takes {wanted}.")


def text(value: Any, path: str) -> str:
    """Read a text that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise wrong(path, value, "a text")


def flag(value: Any, path: str) -> bool:
    """Read True or False."""
    if isinstance(value, bool):
        return value
    raise wrong(path, value, "True or False")


def number(low: int, high: int | None = None, *, auto: bool = False) -> Reader:
    """Return the reader of a whole number; ``auto`` lets "auto" in, ``None`` from here on."""
    wanted = f"a whole number from {low} {'on' if high is None else f'to {high}'}"
    most = math.inf if high is None else high

    def read(value: Any, path: str) -> int | None:
        if auto and value == "auto":
            return None
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= most:
            return value
        raise wrong(path, value, f'{wanted}, or "auto"' if auto else wanted)

    return read


count = number(1)
count_or_auto = number(1, auto=True)


def size(value: Any, path: str) -> str:
    """Read a size as NGINX writes it: bytes, or with the unit k, m or g."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]+[kKmMgG]?", value):
        return value
    raise wrong(path, value, 'a size such as "50M"')


def texts(value: Any, path: str) -> tuple[str, ...]:
    """Read a list of texts."""
    if isinstance(value, list | tuple):
        return tuple(text(item, f"{path}[{index}]") for index, item in enumerate(value))
    raise wrong(path, value, "a list of texts")


def host_names(value: Any, path: str) -> tuple[str, ...]:
    """Read host names as NGINX takes them: a name, one with a wildcard, or ``~`` and a regex."""
    found = texts(value, path)
    for index, name in enumerate(found):
        if not _HOST_NAME.fullmatch(name):
            raise wrong(f"{path}[{index}]", name, 'a host name such as "www.example.com"')
    return found


def networks(value: Any, path: str) -> tuple[str, ...]:
    """Read IP addresses and networks."""
    found = texts(value, path)
    for index, network in enumerate(found):
        try:
            ipaddress.ip_network(network)
        except ValueError:
            wanted = 'an address or a network such as "10.0.0.0/8"'
            raise wrong(f"{path}[{index}]", network, wanted) from None
    return found


def one_or_more_texts(value: Any, path: str) -> tuple[str, ...]:
    """Read a text, or a list of at least one."""
    if isinstance(value, str) and value:
        return (value,)
    if isinstance(value, list | tuple) and value:
        return texts(value, path)
    raise wrong(path, value, "a text, or a list of them")


def names_or_auto(value: Any, path: str) -> tuple[str, ...] | None:
    """Read a list of names, or "auto", which is ``None`` from here on."""
    return None if value == "auto" else texts(value, path)


def stack(value: Any, path: str) -> Stack:
    """Read the name of a stack."""
    if isinstance(value, str) and value in set(Stack):
        return Stack(value)
    raise wrong(path, value, '"wsgi" or "asgi"')


def pins(value: Any, path: str) -> tuple[Pin, ...]:
    """Read pins: ``(target, stack)``, or ``(prefix, stack, {"STRIP": True})``."""
    if isinstance(value, list | tuple):
        return tuple(_pin(item, f"{path}[{index}]") for index, item in enumerate(value))
    raise wrong(path, value, 'a list of pins such as ("/ws/", "asgi")')


def _pin(value: Any, path: str) -> Pin:
    match value:
        case [target, on]:
            extra: Any = {}
        case [target, on, extra]:
            pass
        case _:
            raise wrong(
                path, value, 'a pin such as ("/ws/", "asgi"), or with {"STRIP": True} after'
            )
    strip = table(extra, f"{path}[2]", {"STRIP": flag}).get("STRIP", False)
    pin = Pin(target=text(target, f"{path}[0]"), stack=stack(on, f"{path}[1]"), strip=strip)
    if pin.strip and pin.stack is Stack.WSGI:
        raise SettingError(
            f"{path} strips {pin.target!r} on the way to WSGI.",
            hint="Only on the way to ASGI a prefix is stripped; WSGI serves the paths as they are.",
        )
    if pin.strip and not (pin.is_prefix and pin.target.endswith("/")):
        raise SettingError(
            f"{path} strips {pin.target!r}, which is not a prefix.",
            hint='Only a prefix that begins and ends with a slash, such as "/ws/", can be.',
        )
    return pin


def programs(value: Any, path: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Read programs by name: an argv list, or a text split as a shell would, run by none."""
    if not isinstance(value, Mapping):
        raise wrong(path, value, 'programs by name, such as {"celery": ["celery", "-A", "config"]}')
    return tuple(
        (_program_name(name, path), _argv(argv, f'{path}["{name}"]'))
        for name, argv in value.items()
    )


def _program_name(name: Any, path: str) -> str:
    if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        if not _OUR_PROGRAMS.fullmatch(name):
            return name
        raise SettingError(
            f'{path}["{name}"] has the name of a program that tandem runs itself.',
            hint="Give it another name.",
        )
    raise wrong(f"A name in {path}", name, "letters, digits, dots, dashes and underscores")


def _argv(value: Any, path: str) -> tuple[str, ...]:
    argv = tuple(shlex.split(value)) if isinstance(value, str) else texts(value, path)
    if argv:
        return argv
    raise wrong(path, value, "a command with its arguments")


def table(value: Any, path: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Read a dict whose keys are those of ``readers``; any other key is an error."""
    if not isinstance(value, Mapping):
        raise wrong(path, value, f"a dict with keys among {_listed(readers)}")
    for key in value:
        if key not in readers:
            hint = did_you_mean(
                str(key).upper(), readers, otherwise=f"It takes {_listed(readers)}."
            )
            raise SettingError(f'{path}["{key}"] is not an option.', hint=hint)
    return {key: readers[key](given, f'{path}["{key}"]') for key, given in value.items()}


def _listed(words: Mapping[str, Reader] | Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)

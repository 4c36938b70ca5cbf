"""Readers of one entry of the TANDEM setting: value and path in, typed value out."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django_tandem.errors import SettingError, did_you_mean

# The bytes in each unit of a size, and the seconds in each unit of a duration.
BYTES = {"k": 1024, "m": 1024**2, "g": 1024**3}

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Reader:
    """
    Read one value; ``expected`` describes the values that ``parse`` accepts.

    ``parse`` gets the value and its path, and raises TypeError or ValueError for any other.
    ``choices`` are the words that it accepts, for a hint. ``hint`` is that of any other value.
    """

    expected: str
    parse: Callable[[Any, str], Any]
    choices: tuple[str, ...] = ()
    hint: str = ""

    def __call__(self, value: Any, path: str) -> Any:
        """Return the parsed ``value``; raises SettingError that names ``path``."""
        try:
            return self.parse(value, path)
        except (KeyError, TypeError, ValueError):
            word = value if isinstance(value, str) else ""
            hint = did_you_mean(word, self.choices, otherwise=self.hint)
            message = f"{path}: Expected {self.expected}, got {value!r}."
            raise SettingError(message, hint=hint) from None


def reader(expected: str, *choices: str) -> Callable[[Callable[[Any, str], Any]], Reader]:
    """Make a reader of a parse function, as a decorator."""
    return lambda parse: Reader(expected, parse, choices)


def hinting(inner: Reader, hint: str) -> Reader:
    """Return a reader whose error says what to do about a wrong value."""
    return replace(inner, hint=hint)


def optional(inner: Reader) -> Reader:
    """Return a reader that accepts None too."""
    return Reader(
        f"{inner.expected}, or None",
        lambda value, path: None if value is None else inner.parse(value, path),
        inner.choices,
    )


def auto(inner: Reader) -> Reader:
    """Return a reader that accepts "auto" too, and returns None for it."""
    return Reader(
        f'{inner.expected}, or "auto"',
        lambda value, path: None if value == "auto" else inner.parse(value, path),
        ("auto", *inner.choices),
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

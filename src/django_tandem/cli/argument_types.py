"""Values of options: argparse prints the error of one that is wrong, and exits with 2."""

import argparse
import math
from collections.abc import Callable, Iterable

from django_tandem.errors import did_you_mean
from django_tandem.model import DrainMode, LogFormat, Roles
from django_tandem.model.roles import parse_roles


def timeout(text: str) -> float:
    """Return the seconds of a timeout, at least 1."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if math.isfinite(found) and found >= 1:
        return found
    raise argparse.ArgumentTypeError(f'Expected seconds of at least 1, such as 30, got "{text}".')


def line_count(text: str) -> int:
    """Return a number of lines, at least 0."""
    if text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f'Expected an integer of at least 0, got "{text}".')


def positive_integer(text: str) -> int:
    """Parse an integer of at least 1."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f'Expected an integer of at least 1, got "{text}".')


def seconds(text: str) -> float:
    """Parse a duration in seconds."""
    try:
        if 0 < float(text) < math.inf:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f'Expected a number of seconds, such as 10, got "{text}".')


def factor(text: str) -> float:
    """Parse a number above 0."""
    try:
        if 0 < float(text) < math.inf:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f'Expected a number above 0, such as 2, got "{text}".')


def several_of(choices: Iterable[str]) -> Callable[[str], tuple[str, ...]]:
    """Return a parser of a list of ``choices`` in any case, separated by commas."""
    parse = one_of(choices)
    return lambda text: tuple(parse(each.strip().upper()) for each in text.split(","))


def one_of(choices: Iterable[str]) -> Callable[[str], str]:
    """Return a parser of one of ``choices``; its error names the choice that is similar."""
    known = tuple(choices)

    def parse(text: str) -> str:
        if text in known:
            return text
        *others, last = known
        expected = f'Expected {", ".join(others)} or {last}, got "{text}".'
        suggested = did_you_mean(text, known, otherwise="")
        raise argparse.ArgumentTypeError(f"{expected} {suggested}".rstrip())

    return parse


def drain_mode(text: str) -> DrainMode:
    """Parse how connections end."""
    return DrainMode(one_of(DrainMode)(text))


def log_format(text: str) -> LogFormat:
    """Return the format of the logs."""
    return LogFormat(one_of(LogFormat)(text))


def roles(text: str) -> Roles:
    """Parse the roles of this host."""
    try:
        return parse_roles(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def header(text: str) -> tuple[str, str]:
    """Parse a header line."""
    name, colon, value = text.partition(":")
    if name.strip() and colon and text.isascii() and text.isprintable():
        return name.strip(), value.strip()
    raise argparse.ArgumentTypeError(f'Expected a header like "Accept: text/html", got "{text}".')

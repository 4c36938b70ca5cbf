"""Values of options: argparse prints the error of one that is wrong, and exits with 2."""

import argparse
import math
from collections.abc import Callable, Iterable

from django_tandem.errors import did_you_mean
from django_tandem.mirror import parse_ignored
from django_tandem.model import DrainMode, LogFormat, Roles, Stack
from django_tandem.model.roles import parse_roles
from django_tandem.model.shifts import METHODS, MOST_SAMPLES


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


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def stack(text: str) -> Stack:
    """Parse the name of a stack."""
    return Stack(one_of(Stack)(text))


def percent(text: str) -> int:
    """Parse an integer from 1 to 100."""
    return _positive_integer(text, 100)


def samples(text: str) -> int:
    """Parse how many requests of each side a step needs."""
    return _positive_integer(text, MOST_SAMPLES)


def _positive_integer(text: str, most: int) -> int:
    if text.isdecimal() and 1 <= int(text) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f'Expected an integer from 1 to {most}, got "{text}".')


def percents(text: str) -> tuple[int, ...]:
    """Parse percents with commas between them, each larger than the one before."""
    found = tuple(percent(each.strip()) for each in text.split(","))
    if list(found) != sorted(set(found)):
        raise argparse.ArgumentTypeError(f'Expected steps that grow, such as 1,5,25, got "{text}".')
    return found


def duration(text: str) -> float:
    """Parse a time such as 90, 90s, 10m or 1h into seconds."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in UNITS else (text, "s")
    if number.isdecimal() and int(number) > 0:
        return float(int(number) * UNITS[unit])
    raise argparse.ArgumentTypeError(f'Expected a time such as 30s, 10m or 1h, got "{text}".')


def ignored(text: str) -> str:
    """Check what a comparison leaves out, and return it."""
    try:
        parse_ignored([text])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def methods(text: str) -> tuple[str, ...]:
    """Parse names of methods with commas between them."""
    known = one_of(METHODS)
    return tuple(dict.fromkeys(known(each.strip().upper()) for each in text.split(",")))

"""Values of the options of `tandem shift`."""

import argparse

from django_tandem.cli.argument_types import one_of
from django_tandem.mirror import parse_ignored
from django_tandem.model import Stack
from django_tandem.model.shifts import METHODS, MOST_SAMPLES

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

"""Values of options that have a least value: argparse prints the error and exits with 2."""

import argparse
import math


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

"""What is told to whoever started something, while it goes on."""

import sys
from collections.abc import Callable

Say = Callable[[str], None]


def say(text: str) -> None:
    """Print a word on the progress to stderr, at once."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201

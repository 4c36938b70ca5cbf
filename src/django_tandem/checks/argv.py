"""What a command line says: which program it runs, and with which options."""

from collections.abc import Sequence
from pathlib import PurePath


def runs(argv: Sequence[str], program: str) -> bool:
    """Return whether ``argv`` runs ``program``, by its path, by ``python -m``, or below another."""
    return any(PurePath(word).name == program for word in argv)


def option(argv: Sequence[str], long: str, short: str = "") -> str | None:
    """Return the value of an option, the last one given; None when it is not there."""
    found = None
    for word, following in zip(argv, [*argv, ""][1:], strict=True):
        if word in {long, short} and word:
            found = following
        elif word.startswith(f"{long}="):
            found = word.removeprefix(f"{long}=")
        elif short and word.startswith(short) and not word.startswith("--"):
            found = word.removeprefix(short)
    return found

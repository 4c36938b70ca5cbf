"""Everything django-tandem raises on purpose, with the exit code each one ends in."""

import difflib
from collections.abc import Iterable
from typing import ClassVar

# It ran, and the answer is no: a check failed, files differ, a start was refused.
EXIT_NO = 1
# The command line, the settings or the machine are not as they must be.
EXIT_WRONG = 2


class TandemError(Exception):
    """A problem told in one sentence, with a hint that says what to do about it."""

    exit_code: ClassVar[int] = EXIT_WRONG

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {line}" for line in self.hint.splitlines())])


class SettingError(TandemError):
    """An entry of the TANDEM setting is not an option, or not of its type."""


class ProjectError(TandemError):
    """The Django project can't be found, or can't be imported."""


class MachineError(TandemError):
    """Something this machine must have is missing or taken: a program, a package, a port."""


class QuotingError(TandemError):
    """A value can't be written in the format of the file it belongs to."""


class RefusedError(TandemError):
    """What was asked for was tried, and is refused: a failed check, a start that did not answer."""

    exit_code = EXIT_NO


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str) -> str:
    """Return a hint that names the known word closest to ``word``, or ``otherwise``."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'Did you mean "{close[0]}"?' if close else otherwise

"""The errors that django-tandem reports to its user, each with its exit code."""

import difflib
from collections.abc import Iterable
from typing import ClassVar

# The command ran and failed: a check failed, files differ, a server did not start.
EXIT_FAILED = 1
# The command line, the settings or the machine must be corrected first.
EXIT_USAGE = 2


class TandemError(Exception):
    """A problem in one sentence, and a hint that says what to do; the hint may be empty."""

    exit_code: ClassVar[int] = EXIT_USAGE

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {line}" for line in self.hint.splitlines())])


class SettingError(TandemError):
    """An entry of the TANDEM setting is not an option, or has a wrong value."""


class ProjectError(TandemError):
    """The Django project can't be found, or can't be imported."""


class MachineError(TandemError):
    """A program, a package or a port that this machine must provide is not available."""


class QuotingError(TandemError):
    """A value can't be represented in the format of its file."""


class RefusedError(TandemError):
    """The command ran and failed: a check failed, or a server did not become ready."""

    exit_code = EXIT_FAILED


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str) -> str:
    """Return a hint that names the known word closest to ``word``, or ``otherwise``."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'Did you mean "{close[0]}"?' if close else otherwise

"""What is said of a project when it is started or reloaded: by its checks, and of its plan."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path

from django_tandem.checks import refuse_failed_checks
from django_tandem.cli import console
from django_tandem.model import Plan

NAME = "notes.json"


def tell(plan: Plan, before: Collection[str] = ()) -> list[str]:
    """
    Say on stderr what is to be said, but for what was said ``before``, and return all of it.

    Raises RefusedError when a check of the project fails.
    """
    told: list[str] = []

    def say(text: str) -> None:
        told.append(text)
        if text not in before:
            console.line_err(text)

    refuse_failed_checks(say)
    for note in plan.notes:
        say(note)
    return told


def keep(run_dir: Path, told: Sequence[str]) -> None:
    """Write down what was said, for the next reload."""
    (run_dir / NAME).write_text(json.dumps(told, indent=1) + "\n")


def kept(run_dir: Path) -> list[str]:
    """Return what was said at the last start or reload that was not refused by a check."""
    try:
        return list(json.loads((run_dir / NAME).read_text()))
    except (OSError, ValueError):
        # At worst it is said once more.
        return []

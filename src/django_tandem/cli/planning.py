"""From a command line to a plan, and the checks and notes to print before it runs."""

import argparse
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django_tandem.checks import refuse_failed_checks
from django_tandem.cli import console
from django_tandem.cli.bootstrap import load
from django_tandem.model import Overrides, Plan
from django_tandem.plan import make_plan
from django_tandem.routing.decide import decide
from django_tandem.runtime import run_dir
from django_tandem.runtime.host import read_host
from django_tandem.settings import Settings

# In the run directory: the notes of the last start or reload.
NOTES = "notes.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, the settings it was made by, and the project's ASGI application."""

    plan: Plan
    settings: Settings
    application: object | None


def plan_project(
    options: argparse.Namespace,
    *,
    overrides: Overrides | None = None,
    generation: int = 1,
    output: Path | None = None,
) -> Planned:
    """Make the plan of the project at hand, to run in ``output`` when that is given."""
    loaded = load(options.settings)
    settings = overridden(loaded.settings, overrides)
    verdicts = decide(loaded.project.routes, settings.routes, handover=settings.handover)
    directory = output or run_dir.locate(loaded.project.directory, settings.run_dir)
    host = read_host(settings.edge.nginx)
    plan = make_plan(
        loaded.project,
        settings,
        host,
        verdicts,
        run_dir=str(directory),
        generation=generation,
        overrides=overrides,
    )
    return Planned(plan=plan, settings=settings, application=loaded.application)


def overridden(settings: Settings, overrides: Overrides | None) -> Settings:
    """Return the settings with the options of the command line in their place."""
    if overrides and overrides.bind is not None:
        settings = replace(settings, bind=(overrides.bind,))
    if overrides and overrides.asgi:
        settings = replace(settings, asgi=replace(settings.asgi, always=True))
    return settings


def announce(plan: Plan, before: Collection[str] = ()) -> list[str]:
    """
    Print the findings of the checks and the plan's notes to stderr, and return all of them.

    Those in ``before`` are not printed again. Raises RefusedError when a check fails.
    """
    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(text)
        if text not in before:
            console.line_err(text)

    refuse_failed_checks(note)
    for text in plan.notes:
        note(text)
    return notes


def keep_notes(run_dir: Path, notes: Sequence[str]) -> None:
    """Write the notes of a start or reload, so that the next reload knows them."""
    (run_dir / NOTES).write_text(json.dumps(notes, indent=1) + "\n")


def kept_notes(run_dir: Path) -> list[str]:
    """Return the notes of the last start or reload that no check refused."""
    try:
        return list(json.loads((run_dir / NOTES).read_text()))
    except (OSError, ValueError):
        # At worst they are printed once more.
        return []

"""From the command line to a Plan, the way that every subcommand needs one."""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from django_tandem.cli.bootstrap import load
from django_tandem.model import Overrides, Plan
from django_tandem.plan import make_plan
from django_tandem.routing.decide import decide
from django_tandem.runtime import run_dir
from django_tandem.runtime.host import read_host
from django_tandem.settings import Settings


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
    """Return the settings with the command line's word in their place."""
    if overrides and overrides.bind is not None:
        settings = replace(settings, bind=(overrides.bind,))
    if overrides and overrides.asgi:
        settings = replace(settings, asgi=replace(settings.asgi, always=True))
    return settings

"""From a command line to a plan, and the checks and notes to print before it runs."""

import argparse
import json
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django.core.checks import CheckMessage

from django_tandem import checks, pipeline
from django_tandem.checks.findings import advice, findings, gather
from django_tandem.cli import argument_types, console
from django_tandem.cli.run_dirs import (
    env_file_of,
    given_run_dir,
    hinting_at_env_file,
    locate,
    redis_offered,
)
from django_tandem.cli.start_notes import (
    unapplied_migrations,
    unreachable_redis,
    unresolved_peers,
    unused_bind,
)
from django_tandem.errors import RefusedError
from django_tandem.model import EVERY_ROLE, Overrides, Plan, Roles, Verdict
from django_tandem.model.roles import PROJECT_ROLES
from django_tandem.pipeline import Loaded
from django_tandem.plan.shifting import find_verdict
from django_tandem.project.lookup import path_of, resolve_http
from django_tandem.runtime import run_dir
from django_tandem.runtime.host import read_host
from django_tandem.runtime.waiting import Report
from django_tandem.settings import has_direct_gateway, read_roles, read_stop_s

# In the run directory: the notes of the last start or reload.
NOTES = "notes.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, the loaded project it was made from, and the URL of its embedded Redis."""

    plan: Plan
    loaded: Loaded
    embedded_redis: str | None = None


def add_role_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the option that leaves roles to other hosts."""
    parser.add_argument(
        "--role",
        metavar="ROLES",
        type=argument_types.roles,
        help="the roles of this host, such as edge,wsgi: of edge, wsgi, asgi and workers, or all "
        "(the default); TANDEM_ROLE in the environment does the same",
    )


def given_roles(options: argparse.Namespace) -> Roles | None:
    """Return the roles of the command line, else those of the environment; None for all."""
    given: Roles | None = getattr(options, "role", None)
    return read_roles(os.environ) if given is None else given


def given_overrides(options: argparse.Namespace) -> Overrides:
    """Return the settings that the environment, --run-dir and --role replace."""
    return Overrides(
        stop_s=read_stop_s(os.environ),
        run_dir=given_run_dir(options),
        roles=given_roles(options),
        is_direct=has_direct_gateway(os.environ),
    )


def load_project(settings_module: str | None, env_file: str | None = None) -> Loaded:
    """Load the project at hand, with the embedded Redis offered to its settings."""
    return _load(settings_module, env_file, None)[0]


def _load(
    settings_module: str | None, env_file: str | None, overrides: Overrides | None
) -> tuple[Loaded, str | None]:
    location = locate(settings_module, env_file)
    with redis_offered(location) as offered, hinting_at_env_file(location):
        loaded = pipeline.load(location, overrides=overrides, embedded_redis=offered.url)
    # The embedded server is for a host with all roles: with some, E015 refuses it.
    has_every_role = overrides is None or overrides.roles in (None, EVERY_ROLE)
    notes = (offered.note,) if offered.note and has_every_role else ()
    return replace(loaded, notes=notes), offered.url


def plan_project(
    options: argparse.Namespace,
    *,
    overrides: Overrides | None = None,
    generation: int = 1,
    output: Path | None = None,
    requires_trust: bool = True,
) -> Planned:
    """
    Make the plan of the project at hand, to run in ``output`` when that is given.

    Without ``overrides`` those of the environment and --run-dir hold, as at a start. Without
    ``requires_trust``, servers on several hosts may lack SECRET and TLS.
    """
    overrides = overrides or given_overrides(options)
    env_file = env_file_of(options) or overrides.env_file
    loaded, embedded_redis = _load(options.settings, env_file, overrides)
    settings = loaded.settings
    directory = output or run_dir.locate(loaded.project.directory, settings.run_dir)
    plan = pipeline.plan(
        loaded,
        pipeline.decide(loaded),
        read_host(settings.edge.nginx, overrides.roles or EVERY_ROLE),
        run_dir=str(directory),
        generation=generation,
        overrides=overrides,
        requires_trust=requires_trust,
    )
    return Planned(plan=plan, loaded=loaded, embedded_redis=embedded_redis)


def named_verdict(target: str, plan: Plan) -> Verdict:
    """
    Return the verdict of the one route that ``target`` names, or that answers the path ``target``.

    Raises RefusedError for none and for several.
    """
    try:
        return find_verdict(target, plan.verdicts)
    except RefusedError:
        route = resolve_http(path_of(target), plan.project.routes)
        found = (each for each in plan.verdicts if each.route == route)
        verdict = next(found, None) if target.startswith("/") else None
        if verdict is None:
            raise
        return verdict


def report_plan(
    planned: Planned, before: Collection[str] = (), report: Report = console.line_err
) -> list[str]:
    """
    Report the findings of the checks and the plan's notes, and return all of them.

    Those in ``before`` are not reported again. Raises RefusedError when a check fails.
    """
    found = find_problems(planned)
    messages = [str(message) for message in found if not message.is_silenced()]
    for text in messages:
        if text not in before:
            report(text)
    checks.refuse_failures(found)
    notes = find_notes(planned)
    for text in notes:
        if text not in before:
            report(text)
    return [*messages, *notes]


def find_notes(planned: Planned) -> list[str]:
    """Return what a person should know before a start, a sentence each."""
    plan = planned.plan
    notes = [*planned.loaded.notes, *plan.notes, *unused_bind(plan), *unresolved_peers(plan)]
    # An edge alone uses neither, and a firewall may keep it from both.
    if plan.roles & PROJECT_ROLES:
        notes += [*unapplied_migrations(), *unreachable_redis(planned.embedded_redis)]
    return notes


def find_problems(planned: Planned, *, on_this_machine: bool = False) -> list[CheckMessage]:
    """
    Run the checks on the very plan that is to be started.

    With ``on_this_machine`` also those of the machine, which a start makes once it has the lock,
    and what could be better.
    """
    facts = gather(planned.plan, planned.loaded, on_this_machine=on_this_machine)
    found = findings(facts)
    return [*found, *advice(facts)] if on_this_machine else found


def write_notes(run_dir: Path, notes: Sequence[str]) -> None:
    """Write the notes of a start or reload, so that the next reload knows them."""
    (run_dir / NOTES).write_text(json.dumps(notes, indent=1) + "\n")


def read_notes(run_dir: Path) -> list[str]:
    """Return the notes of the last start or reload that no check refused."""
    try:
        return list(json.loads((run_dir / NOTES).read_text()))
    except (OSError, ValueError):
        # At worst they are printed once more.
        return []

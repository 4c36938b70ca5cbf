"""Start everything: checks, files, servers, workers and the edge."""

import argparse
import os
import sys
from pathlib import Path

from django.conf import settings as django_settings

from django_tandem.cli import console
from django_tandem.cli.planning import announce, keep_notes, plan_project
from django_tandem.errors import TandemError
from django_tandem.model import Overrides, Plan
from django_tandem.runtime import start
from django_tandem.runtime.health import START_DEADLINE_S
from django_tandem.runtime.releases import find_link
from django_tandem.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--detach", action="store_true", help="return as soon as it is ready")
    add_plan_arguments(parser)
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=START_DEADLINE_S,
        help="how long the stack may take to become healthy before it is stopped (120)",
    )
    parser.add_argument(
        "--watch", action="store_true", help="reload when code, templates or settings change"
    )


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that replace settings, and so change the plan."""
    parser.add_argument("--bind", metavar="HOST:PORT", help="listen here instead of TANDEM's BIND")
    parser.add_argument(
        "--asgi", action="store_true", help="start an ASGI server even if nothing needs one"
    )


def overrides_of(options: argparse.Namespace) -> Overrides:
    """Return the settings that the command line replaces."""
    return Overrides(bind=options.bind, asgi=options.asgi)


def run(options: argparse.Namespace) -> int:
    """Start the stack; in the foreground this process becomes supervisord."""
    if options.watch and options.detach:
        raise TandemError(
            "`--watch` and `--detach` exclude each other: --watch reports on the terminal.",
            hint="Leave one out; `tandem reload` reloads a detached stack.",
        )
    environment = dict(os.environ)
    planned = plan_project(options, overrides=overrides_of(options))
    notes = announce(planned)
    for note in _machine_notes(planned.plan, planned.loaded.settings):
        console.line_err(note)
    os.chdir(planned.plan.project.directory)
    handle = start.prepare(planned.plan, planned.loaded.settings)
    # Variables that the settings set, as from a .env file, would outlive every reload.
    os.environ.clear()
    os.environ.update(environment)
    directory = Path(planned.plan.run_dir)
    keep_notes(directory, notes)
    if not options.detach:
        watched = (options.settings or "", *_unwatched()) if options.watch else None
        start.in_foreground(directory, handle, options.timeout, watched)
    return 0 if start.detached(planned.plan, directory, handle, options.timeout) else 1


def _machine_notes(plan: Plan, settings: Settings) -> list[str]:
    """Return what is unusual about this machine, a sentence each."""
    found = []
    if plan.edge.worker_user is not None:
        found.append(
            f"Running as {plan.edge.worker_user}: NGINX's workers and the servers do so too. "
            "Start tandem as another user to run them with fewer rights."
        )
    if plan.run_dir != str(Path(plan.project.directory, settings.run_dir)):
        link = find_link(Path(plan.project.directory))
        reason = (
            "the usual path is too long for sockets"
            if link is None or Path(plan.run_dir).parent != link.parent
            else f"all releases that {link} leads to share it"
        )
        found.append(f"The run directory is {plan.run_dir}: {reason}.")
    return found


def _unwatched() -> tuple[str, ...]:
    """Return the directories of collected, uploaded and installed files."""
    roots = (django_settings.STATIC_ROOT, django_settings.MEDIA_ROOT, sys.prefix)
    return tuple(str(Path(root).resolve()) for root in roots if root)

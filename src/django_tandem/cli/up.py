"""Start everything: checks, files, servers, workers and the edge."""

import argparse
import os
from pathlib import Path

from django_tandem.cli import console, notes
from django_tandem.cli.planning import plan_project
from django_tandem.cli.unwatched import unwatched
from django_tandem.errors import TandemError
from django_tandem.model import Overrides, Plan
from django_tandem.runtime import start
from django_tandem.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--detach", action="store_true", help="return as soon as it is ready")
    parser.add_argument("--bind", metavar="HOST:PORT", help="listen here instead of TANDEM's BIND")
    parser.add_argument(
        "--asgi", action="store_true", help="start an ASGI server even if nothing needs one"
    )
    parser.add_argument(
        "--watch", action="store_true", help="reload when code, templates or settings change"
    )


def run(options: argparse.Namespace) -> int:
    """Start the stack; in the foreground this process becomes supervisord and does not return."""
    if options.watch and options.detach:
        raise TandemError(
            "`--watch` tells on the terminal what it does, and `--detach` leaves it none.",
            hint="Leave one of them out; a detached stack is reloaded by `tandem reload`.",
        )
    environment = dict(os.environ)
    overrides = Overrides(bind=options.bind, asgi=options.asgi)
    planned = plan_project(options, overrides=overrides)
    told = notes.tell(planned.plan)
    for note in _of_machine(planned.plan, planned.settings):
        console.line_err(note)
    os.chdir(planned.plan.project.directory)
    handle = start.prepare(planned.plan, planned.settings)
    # What the settings put there, read from a .env file say, would outlive every reload.
    os.environ.clear()
    os.environ.update(environment)
    directory = Path(planned.plan.run_dir)
    notes.keep(directory, told)
    if not options.detach:
        watched = (options.settings or "", *unwatched()) if options.watch else None
        start.in_foreground(directory, handle, watched)
    return 0 if start.detached(planned.plan, directory, handle) else 1


def _of_machine(plan: Plan, settings: Settings) -> list[str]:
    """What whoever starts it should know of this machine."""
    found = []
    if plan.edge.worker_user is not None:
        found.append(
            f"Running as {plan.edge.worker_user}: NGINX's workers and the servers do so too. "
            "Start tandem as another user to run them with fewer rights."
        )
    if plan.run_dir != str(Path(plan.project.directory, settings.run_dir)):
        found.append(
            f"The run directory is {plan.run_dir}: the usual path is too long for sockets."
        )
    return found

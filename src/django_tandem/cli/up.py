"""Start everything: checks, files, servers, workers and the edge."""

import argparse
import os

from django_tandem.checks import refuse_failed_checks
from django_tandem.cli import console
from django_tandem.cli.planning import plan_project
from django_tandem.runtime import start


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--detach", action="store_true", help="return as soon as it is ready")
    parser.add_argument("--bind", metavar="HOST:PORT", help="listen here instead of TANDEM's BIND")
    parser.add_argument(
        "--asgi", action="store_true", help="start an ASGI server even if nothing needs one"
    )


def run(options: argparse.Namespace) -> int:
    """Start the stack; in the foreground this process becomes supervisord and does not return."""
    planned = plan_project(options, bind=options.bind, asgi=options.asgi)
    refuse_failed_checks(console.line_err)
    for note in planned.plan.notes:
        console.line_err(note)
    os.chdir(planned.plan.project.directory)
    directory = start.prepare(planned.plan, planned.settings)
    if not options.detach:
        start.in_foreground(directory)
    return 0 if start.detached(planned.plan, directory) else 1

"""Replace what runs by the code, settings and routes as they are now, with nothing lost."""

import argparse
import os

from django_tandem.checks import refuse_failed_checks
from django_tandem.cli import console
from django_tandem.cli.planning import find_run_dir, plan_project
from django_tandem.runtime import reload, supervisord
from django_tandem.runtime.generations import next_generation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=120,
        help="how long the new generation may take to answer (120)",
    )
    parser.add_argument(
        "--wait", action="store_true", help="return only when the old generation has ended"
    )


def run(options: argparse.Namespace) -> int:
    """Reload the stack; 1 when the new generation is refused, and the old one serves on."""
    run_dir = find_run_dir(options)
    with reload.reloading(run_dir) as state:
        running = [each.name for each in supervisord.statuses(run_dir)]
        planned = plan_project(
            options,
            overrides=state.overrides,
            generation=next_generation(state, running),
        )
        refuse_failed_checks(console.line_err)
        for note in planned.plan.notes:
            console.line_err(note)
        os.chdir(planned.plan.project.directory)
        reload.replace(
            planned.plan, planned.settings, deadline_s=options.timeout, say=console.line_err
        )
    supervisord.sweep(run_dir)
    if options.wait:
        reload.wait_until_drained(run_dir)
    return 0

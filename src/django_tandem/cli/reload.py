"""Replace what runs by the code, settings and routes as they are now, with nothing lost."""

import argparse
import os
import traceback
from dataclasses import replace

from django_tandem.checks import refuse_failed_checks
from django_tandem.cli import console
from django_tandem.cli.planning import find_run_dir, plan_project
from django_tandem.errors import ProjectError, RefusedError
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
    parser.add_argument(
        "--drain",
        metavar="SECONDS",
        type=_seconds,
        help="how long the old generation may take to end, instead of TANDEM's DRAIN_S",
    )
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show the whole traceback when the project can't be imported",
    )


def run(options: argparse.Namespace) -> int:
    """Reload the stack; 1 when the new generation is refused, and the old one serves on."""
    try:
        _reload(options)
    except KeyboardInterrupt:
        console.line_err("Interrupted: see what serves with `tandem status`.")
        raise
    except ProjectError as error:
        if options.traceback and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        raise
    return 0


def _reload(options: argparse.Namespace) -> None:
    run_dir = find_run_dir(options)
    with reload.reloading(run_dir) as state:
        running = [each.name for each in supervisord.statuses(run_dir)]
        planned = plan_project(
            options,
            overrides=state.overrides,
            generation=next_generation(state, running),
        )
        plan = planned.plan
        if options.drain is not None and options.drain > state.longest_drain_s:
            raise RefusedError(
                f"`--drain {options.drain}` is longer than the {state.longest_drain_s} s that the "
                "edge now gives the connections it carries.",
                hint='Raise TANDEM["DRAIN_S"]: it counts from the reload after the next on.',
            )
        # Not in the settings, which the edge's file is made by as well.
        wanted_s = plan.drain_s if options.drain is None else options.drain
        plan = replace(plan, drain_s=min(wanted_s, state.longest_drain_s))
        refuse_failed_checks(console.line_err)
        for note in plan.notes:
            console.line_err(note)
        os.chdir(plan.project.directory)
        reload.replace(
            plan, planned.settings, state, deadline_s=options.timeout, say=console.line_err
        )
    with reload.told_if_stopped():
        supervisord.sweep(run_dir)
    if options.wait:
        reload.wait_until_drained(run_dir)


def _seconds(text: str) -> int:
    if text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f'"{text}" is no number of seconds, such as 5')

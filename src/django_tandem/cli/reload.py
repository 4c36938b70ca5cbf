"""Replace what runs by the code, settings and routes as they are now, with nothing lost."""

import argparse
import os
from dataclasses import replace

from django_tandem.cli import console, notes, tracebacks
from django_tandem.cli.place import find_run_dir
from django_tandem.cli.planning import plan_project
from django_tandem.errors import ProjectError, RefusedError
from django_tandem.project.location import find
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
        "--wait",
        action="store_true",
        help="wait for another reload to end before, and for the old generation to end after it",
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
    parser.add_argument(
        "--terse",
        action="store_true",
        help="say only what is new since the last load, and of a traceback the project's own lines",
    )


def run(options: argparse.Namespace) -> int:
    """Reload the stack; 1 when the new generation is refused, and the old one serves on."""
    try:
        _reload(options)
    except KeyboardInterrupt:
        console.line_err("Interrupted: see what serves with `tandem status`.")
        raise
    except ProjectError as error:
        if error.__cause__ is not None:
            _show(error.__cause__, options)
        raise
    return 0


def _show(error: BaseException, options: argparse.Namespace) -> None:
    if options.traceback:
        console.line_err(tracebacks.whole(error))
    elif options.terse and (own := tracebacks.own(error, find(options.settings).directory)):
        console.line_err(own)


def _reload(options: argparse.Namespace) -> None:
    run_dir = find_run_dir(options)
    patience_s = options.timeout if options.wait else 0
    with reload.reloading(run_dir, console.line_err, patience_s=patience_s) as state:
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
        notes.keep(run_dir, notes.tell(plan, notes.kept(run_dir) if options.terse else ()))
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

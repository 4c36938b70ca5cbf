"""Shift a route to the other stack, a share of its clients at a time, while both are compared."""

import argparse
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from django_tandem.cli import console, shift_actions, shift_mirror
from django_tandem.cli.advise import read_report
from django_tandem.cli.argument_types import (
    duration,
    methods,
    percent,
    percents,
    positive_integer,
    samples,
    stack,
)
from django_tandem.cli.planning import named_verdict, plan_project
from django_tandem.cli.run_dirs import add_other_run_dir_argument
from django_tandem.cli.shift_actions import as_json, share, started
from django_tandem.errors import RefusedError, TandemError
from django_tandem.inprocess import blocked_routes
from django_tandem.model import Plan, Verdict
from django_tandem.model.shifts import (
    EVERY_S,
    LEAST_SAMPLES,
    SAFE_METHODS,
    STEPS,
    TOLERANCE,
    Shift,
)
from django_tandem.monitor.history import HISTORY
from django_tandem.plan.shifting import find_verdict, refuse
from django_tandem.runtime import lock, shifts, supervisord
from django_tandem.runtime.run_dir import refuse_foreign
from django_tandem.runtime.state import nothing_runs, read_state
from django_tandem.shift.advised import choose


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_other_run_dir_argument(parser)
    parser.add_argument(
        "route",
        metavar="ROUTE",
        nargs="?",
        help="a pattern, a path, a URL name or a view",
    )
    parser.add_argument("--to", metavar="STACK", type=stack, help="wsgi or asgi")
    _add_steps(parser)
    _add_comparison(parser)
    _add_actions(parser)
    shift_mirror.add_arguments(parser)
    parser.add_argument(
        "--all", action="store_true", help="with --status: the last shift of each route"
    )
    parser.add_argument("--json", action="store_true", help="print the shifts as JSON")


def _add_steps(parser: argparse.ArgumentParser) -> None:
    share = parser.add_mutually_exclusive_group()
    share.add_argument(
        "--percent", metavar="N", type=percent, help="this share of its clients, and no further"
    )
    listed = ",".join(map(str, STEPS))
    share.add_argument(
        "--steps",
        metavar="N,N",
        type=percents,
        help=f"these shares, one after the other ({listed})",
    )
    parser.add_argument(
        "--every",
        metavar="TIME",
        type=duration,
        default=EVERY_S,
        help="how long a step takes (10m)",
    )


def _add_comparison(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--samples",
        metavar="N",
        type=samples,
        default=LEAST_SAMPLES,
        help=f"requests of each side that a step needs at least ({LEAST_SAMPLES})",
    )
    parser.add_argument(
        "--methods",
        metavar="METHODS",
        type=methods,
        default=SAFE_METHODS,
        help="the methods that are shifted (GET,HEAD)",
    )
    parser.add_argument(
        "--tolerance",
        metavar="PERCENT",
        type=positive_integer,
        default=round(100 * TOLERANCE),
        help=f"how much longer a p50 or p95 may be ({TOLERANCE:.0%})".replace("%", "%%"),
    )


def _add_actions(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--status", action="store_true", help="print the shifts, and those that ended in a day"
    )
    what.add_argument("--pause", action="store_true", help="stay at the present share")
    what.add_argument("--resume", action="store_true", help="resume after --pause")
    what.add_argument("--abort", action="store_true", help="end it, and leave all to its own stack")
    what.add_argument(
        "--write", action="store_true", help="write the pin into the settings, once it is done"
    )
    what.add_argument(
        "--auto",
        action="store_true",
        help='start one that `tandem advise` is sure of, of the routes in TANDEM["SHIFT"]',
    )


def run(options: argparse.Namespace) -> int:
    """Start a shift, change one, or print all."""
    shift_mirror.require_consistent(options)
    if options.all and not options.status:
        raise TandemError(
            "`--all` is for `--status`.", hint="A command changes one shift, which ROUTE names."
        )
    if options.auto:
        return _start_advised(options)
    if options.status or (options.json and options.route is None):
        return shift_actions.print_status(options)
    if options.route is None:
        raise TandemError(
            "ROUTE is missing.", hint="`tandem plan` lists the routes, and --status the shifts."
        )
    if options.write:
        return shift_actions.write(options)
    if options.pause or options.resume or options.abort:
        return shift_actions.change(options)
    return _start(options)


def _start(options: argparse.Namespace) -> int:
    plan = plan_project(options).plan
    verdict = named_verdict(options.route, plan)
    if options.to is None:
        raise TandemError(
            f"--to is missing: {verdict.route.pattern} is on {verdict.stack.upper()}.",
            hint="Name the stack that is to serve it, as in `--to asgi`.",
        )
    return _begin(options, plan, verdict)


def _start_advised(options: argparse.Namespace) -> int:
    """Start the first shift that the advice is sure of; without one, say so and be done."""
    planned = plan_project(options)
    plan, run_dir = planned.plan, Path(planned.plan.run_dir)
    named = planned.loaded.settings.shift.routes
    if not named:
        raise TandemError(
            'TANDEM["SHIFT"]["ROUTES"] is empty, and `--auto` shifts the routes that it names.',
            hint='Name them, as in {"SHIFT": {"ROUTES": ["/reports/"]}}.',
        )
    _refuse_stopped(run_dir)
    routes = [find_verdict(each, plan.verdicts).route.pattern for each in named]
    report = read_report(planned, run_dir / HISTORY)
    state = read_state(run_dir)
    chosen = choose(
        report.advice,
        routes,
        shifts.read(run_dir),
        generation=state.generation if state else 0,
        now=time.time(),
    )
    if chosen is None:
        if options.json:
            console.print_json(None)
        else:
            console.line_out("No shift is advised.")
        return 0
    route, options.to = chosen
    return _begin(options, plan, find_verdict(route, plan.verdicts))


def _begin(options: argparse.Namespace, plan: Plan, verdict: Verdict) -> int:
    """Split the requests of a route from now on, and have both sides compared."""
    run_dir = Path(plan.run_dir)
    _refuse_stopped(run_dir)
    refuse(verdict, options.to, plan, blocked_routes.read(run_dir))
    if options.mirror:
        _refuse_shifted(verdict, shifts.read(run_dir))
        return shift_mirror.run(options, plan, verdict)
    shift = _read_shift(options, verdict, plan, time.time())
    # Nobody would see what fails before the program runs.
    with shifts.changing(run_dir, is_watcher=False) as kept:
        _refuse_second(shift, kept, is_change=options.percent is not None)
        replaced = [each for each in kept if each.route == shift.route]
        if shift.percent == 100:
            shift = _as_last_step(shift, next(iter(replaced), None), options)
        kept[:] = [*(each for each in kept if each.route != shift.route), shift]
    _start_program(run_dir, shift, replaced)
    shifts.wait_until_split(run_dir, shift)
    if options.json:
        console.print_json(as_json(shift))
        return 0
    console.line_out(started(shift))
    if plan.peers:
        console.line_out(
            "Other hosts with an edge have separate shifts: run the command on each of them."
        )
    return 0


def _as_last_step(shift: Shift, before: Shift | None, options: argparse.Namespace) -> Shift:
    """
    Return a shift that begins at 100 % as the last step after ``before``.

    Raises TandemError where that has not compared both sides, which 100 % does no more.
    """
    home = shift.home.upper()
    if before is None or not before.is_watched or before.to is not shift.to:
        option = "--percent" if options.percent else "--steps"
        raise TandemError(
            f"`{option} 100` leaves no request of {shift.route} on {home} to compare with.",
            hint="Begin with a smaller share, as in `--steps 50,100`: the last step is compared "
            "with the one before it.",
        )
    if before.percent == 100:
        raise RefusedError(
            f"{shift.route} is shifted to {shift.to.upper()} already: {share(before)}.",
            hint="`tandem shift --status` shows it, and --abort ends it.",
        )
    if before.at_home.requests < shift.least_samples:
        raise RefusedError(
            f"{home} has had {before.at_home.requests} of {shift.least_samples} requests of "
            f"{shift.route} to compare with, and gets no more at 100 %.",
            hint=f"Wait for them at {before.percent} %, or lower `--samples`.",
        )
    return replace(shift, steps=(before.percent, *shift.steps), step=1)


def _start_program(run_dir: Path, shift: Shift, replaced: Iterable[Shift]) -> None:
    """Have the shift watched; raises TandemError, and leaves nothing of it, where that fails."""
    try:
        supervisord.start_shifter(run_dir)
    except supervisord.GoneError as error:
        shifts.withdraw(run_dir, shift, replaced)
        raise RefusedError(
            f"The stack in {run_dir} does not answer, or stops, so {shift.route} is not shifted.",
            hint="`tandem status` shows its programs.",
        ) from error
    except TandemError:
        shifts.withdraw(run_dir, shift, replaced)
        raise


def _read_shift(options: argparse.Namespace, verdict: Verdict, plan: Plan, now: float) -> Shift:
    state = read_state(Path(plan.run_dir))
    return Shift(
        route=verdict.route.pattern,
        to=options.to,
        home=verdict.stack,
        steps=(options.percent,) if options.percent else options.steps or STEPS,
        every_s=options.every,
        methods=options.methods,
        tolerance=options.tolerance / 100,
        least_samples=options.samples,
        began_s=now,
        step_began_s=now,
        generation=state.generation if state else 0,
        is_automatic=options.auto,
    )


def _refuse_stopped(run_dir: Path) -> None:
    refuse_foreign(run_dir)
    if lock.holder(run_dir) is None:
        raise nothing_runs(run_dir)


def _refuse_shifted(verdict: Verdict, kept: Iterable[Shift]) -> None:
    for each in kept:
        if each.route == verdict.route.pattern and each.percent:
            raise RefusedError(
                f"{each.route} is shifted to {each.to.upper()} already: {share(each)}.",
                hint="A mirror comes before a shift. `--abort` ends the shift.",
            )


def _refuse_second(shift: Shift, kept: list[Shift], *, is_change: bool) -> None:
    for each in kept:
        if each.route == shift.route and each.percent and not is_change:
            raise RefusedError(
                f"{each.route} is shifted to {each.to.upper()} already: {share(each)}.",
                hint="`tandem shift --status` shows it. --percent changes its share, and --abort "
                "ends it.",
            )

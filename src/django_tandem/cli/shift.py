"""Shift a route to the other stack, a share of its clients at a time, while both are compared."""

import argparse
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from django_tandem.cli import console, shift_mirror
from django_tandem.cli.advise import read_report
from django_tandem.cli.argument_types import positive_integer
from django_tandem.cli.pin_writing import pin_of, write_pin
from django_tandem.cli.planning import plan_project
from django_tandem.cli.run_dirs import add_other_run_dir_argument, find_running_dir
from django_tandem.cli.shift_arguments import duration, methods, percent, percents, stack
from django_tandem.cli.shift_lines import as_json, lines, share, started
from django_tandem.errors import RefusedError, TandemError, did_you_mean
from django_tandem.inprocess import blocked_routes
from django_tandem.model import Plan, Verdict
from django_tandem.model.shifts import (
    EVERY_S,
    LEAST_SAMPLES,
    SAFE_METHODS,
    STEPS,
    TOLERANCE,
    Shift,
    ShiftState,
)
from django_tandem.monitor.history import HISTORY
from django_tandem.plan.shifting import find_verdict, refuse
from django_tandem.project.pinning import pin_text
from django_tandem.runtime import lock, mirrored, shifts, supervisord
from django_tandem.runtime.state import read_state
from django_tandem.shift.advised import choose

ACTIONS = ("pause", "resume", "abort", "write")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_other_run_dir_argument(parser)
    parser.add_argument(
        "route",
        metavar="ROUTE",
        nargs="?",
        help="a pattern, a path, a URL name or a view; to change a shift, its pattern",
    )
    parser.add_argument("--to", metavar="STACK", type=stack, help="wsgi or asgi")
    _add_steps(parser)
    _add_comparison(parser)
    _add_actions(parser)
    shift_mirror.add_arguments(parser)
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
        type=positive_integer,
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
    what.add_argument("--status", action="store_true", help="print the shifts, and end")
    what.add_argument("--pause", action="store_true", help="stay at the present share")
    what.add_argument("--resume", action="store_true", help="go on after --pause")
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
    if options.auto:
        return _start_advised(options)
    if options.status or (options.json and options.route is None):
        return _print_status(find_running_dir(options), options)
    if options.route is None:
        raise TandemError(
            "ROUTE is missing.", hint="`tandem plan` lists the routes, and --status the shifts."
        )
    if options.write:
        return _write(options)
    if options.pause or options.resume or options.abort:
        return _change(options)
    return _start(options)


def _start(options: argparse.Namespace) -> int:
    plan = plan_project(options).plan
    verdict = find_verdict(options.route, plan.verdicts)
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
    _refuse_stopped(run_dir)
    named = planned.loaded.settings.shift.routes
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
            console.as_json(None)
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
        kept[:] = [*(each for each in kept if each.route != shift.route), shift]
    _start_program(run_dir, shift, replaced)
    shifts.wait_until_split(run_dir, shift)
    if options.json:
        console.as_json(as_json(shift))
        return 0
    console.line_out(started(shift))
    if plan.peers:
        console.line_out(
            "Other hosts with an edge have separate shifts: run the command on each of them."
        )
    return 0


def _start_program(run_dir: Path, shift: Shift, replaced: Iterable[Shift]) -> None:
    """Have the shift watched; raises TandemError, and leaves nothing of it, where that fails."""
    try:
        supervisord.start_shifter(run_dir)
    except supervisord.GoneError as error:
        shifts.withdraw(run_dir, shift, replaced)
        raise RefusedError(
            f"The stack in {run_dir} does not answer, or stops, so that {shift.route} is not "
            "shifted.",
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
    if lock.holder(run_dir) is None:
        raise RefusedError(f"Nothing runs in {run_dir}.", hint="Start it with `tandem up`.")


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


def _change(options: argparse.Namespace) -> int:
    run_dir = find_running_dir(options)
    with shifts.changing(run_dir) as kept:
        shift = _find(options.route, kept)
        _refuse_ended(shift, options)
        if options.abort:
            changed = replace(shift, state=ShiftState.ABORTED, reason="A command aborted it.")
        elif options.pause:
            changed = replace(shift, state=ShiftState.PAUSED)
        else:
            # The time in which it stood still is not that of a step.
            changed = replace(shift, state=ShiftState.RUNNING, step_began_s=time.time())
        kept[:] = [changed if each is shift else each for each in kept]
    if changed.is_watched and lock.holder(run_dir) is not None:
        supervisord.start_shifter(run_dir)
    console.line_out(f"{changed.route} to {changed.to.upper()}: {changed.state}, {share(changed)}.")
    return 0


def _find(target: str, kept: list[Shift]) -> Shift:
    found = next((each for each in kept if each.route == target), None)
    if found is None:
        names = [each.route for each in kept]
        listed = f"Shifts are {', '.join(names)}." if names else "No route is shifted."
        raise RefusedError(
            f'"{target}" is not shifted.', hint=did_you_mean(target, names, otherwise=listed)
        )
    return found


def _refuse_ended(shift: Shift, options: argparse.Namespace) -> None:
    if not shift.percent or (shift.state is ShiftState.DONE and not options.abort):
        raise RefusedError(
            f"The shift of {shift.route} to {shift.to.upper()} is {shift.state}.",
            hint="Start another one with `tandem shift ROUTE --to STACK`.",
        )


def _write(options: argparse.Namespace) -> int:
    planned = plan_project(options)
    run_dir = Path(planned.plan.run_dir)
    shift = _find(
        find_verdict(options.route, planned.plan.verdicts).route.pattern, [*shifts.read(run_dir)]
    )
    if shift.state is not ShiftState.DONE:
        raise RefusedError(
            f"The shift of {shift.route} to {shift.to.upper()} is {shift.state}, {share(shift)}.",
            hint="Its pin is written once it is done; `tandem shift --status` shows how far it is.",
        )
    verdict = find_verdict(shift.route, planned.plan.verdicts)
    pin = pin_of(planned.plan, verdict, shift.to)
    path = write_pin(planned.plan, verdict, pin)
    console.line_out(f"Wrote {pin_text(pin)} to {path}. `tandem reload` follows it.")
    return 0


def _print_status(run_dir: Path, options: argparse.Namespace) -> int:
    mirrored.end_abandoned(run_dir)
    found = [each for each in shifts.read(run_dir) if options.route in (None, each.route)]
    if options.json:
        console.as_json([as_json(each) for each in found])
        return 0
    shown = [line for each in found for line in lines(each)]
    mirror = mirrored.read(run_dir)
    if mirror is not None and options.route in (None, mirror.route):
        shown += shift_mirror.status_lines(mirror)
    for line in shown or ["No route is shifted."]:
        console.line_out(line)
    return 0

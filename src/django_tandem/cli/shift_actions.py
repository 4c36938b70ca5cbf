"""The part of `tandem shift` for shifts that have begun: their status, their end, their pin."""

import argparse
import shlex
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from django_tandem.cli import console, shift_mirror
from django_tandem.cli.pin_writing import pin_of, write_pin
from django_tandem.cli.planning import named_verdict, plan_project
from django_tandem.cli.run_dirs import find_running_dir
from django_tandem.errors import RefusedError, TandemError, did_you_mean
from django_tandem.model.shifts import Shift, ShiftState, SideFigures
from django_tandem.project.pinning import pin_text
from django_tandem.runtime import lock, mirrored, shifts, supervisord
from django_tandem.runtime.mirrored import MirrorRun

# One that ended is news for a day; the file keeps the last one of each route.
NEWS_S = 24 * 3600.0


def change(options: argparse.Namespace) -> int:
    """Pause a shift, resume it, or abort it."""
    run_dir = find_running_dir(options)
    # Before the lock is taken: to load the project may take seconds.
    pattern = _pattern_of(options, [each.route for each in shifts.read(run_dir)])
    with shifts.changing(run_dir) as kept:
        shift = _find(pattern, kept)
        _refuse_ended(shift, options)
        changed = _changed(shift, options, time.time())
        kept[:] = [changed if each is shift else each for each in kept]
    if changed.is_watched and lock.holder(run_dir) is not None:
        supervisord.start_shifter(run_dir)
    console.line_out(f"{changed.route} to {changed.to.upper()}: {changed.state}, {share(changed)}.")
    return 0


def _changed(shift: Shift, options: argparse.Namespace, now: float) -> Shift:
    if options.abort:
        return shift.end(ShiftState.ABORTED, "A command aborted it.", now)
    if options.pause:
        return replace(shift, state=ShiftState.PAUSED)
    # The time in which it stood still is not that of a step.
    return replace(shift, state=ShiftState.RUNNING, step_began_s=now)


def _pattern_of(options: argparse.Namespace, known: Collection[str]) -> str:
    """
    Return the pattern of the route that the options name, as they may at the start of a shift.

    One of the patterns ``known`` needs no project, which may be why its shift is to end.
    """
    target: str = options.route
    if target in known or not known:
        return target
    try:
        plan = plan_project(options).plan
    except TandemError as error:
        raise RefusedError(
            f'"{target}" is not the pattern of a shift, and the project, which has the names of '
            f"its routes, can't be loaded: {error.message}",
            hint=_suggestion(target, known),
        ) from error
    return named_verdict(target, plan).route.pattern


def _find(pattern: str, kept: Sequence[Shift]) -> Shift:
    found = next((each for each in kept if each.route == pattern), None)
    if found is None:
        names = [each.route for each in kept]
        raise RefusedError(f'"{pattern}" is not shifted.', hint=_suggestion(pattern, names))
    return found


def _suggestion(target: str, known: Collection[str]) -> str:
    listed = f"Shifts are {', '.join(known)}." if known else "No route is shifted."
    return did_you_mean(target, known, otherwise=listed)


def _refuse_ended(shift: Shift, options: argparse.Namespace) -> None:
    name = f"The shift of {shift.route} to {shift.to.upper()}"
    if not shift.percent:
        raise RefusedError(
            f"{name} is {shift.state}.",
            hint="Start another one with `tandem shift ROUTE --to STACK`.",
        )
    if shift.state is ShiftState.DONE and not options.abort:
        raise RefusedError(
            f"{name} is done.",
            hint="`--write` writes its pin into the settings, and `--abort` ends it.",
        )


def write(options: argparse.Namespace) -> int:
    """Write the pin of a shift that is done into the settings."""
    plan = plan_project(options).plan
    verdict = named_verdict(options.route, plan)
    shift = _find(verdict.route.pattern, shifts.read(Path(plan.run_dir)))
    _refuse_undone(shift)
    pin = pin_of(plan, verdict, shift.to)
    path = write_pin(plan, verdict, pin)
    console.line_out(f"Wrote {pin_text(pin)} to {path}. `tandem reload` follows it.")
    return 0


def _refuse_undone(shift: Shift) -> None:
    name = f"The shift of {shift.route} to {shift.to.upper()}"
    if not shift.percent:
        route = shlex.quote(shift.route)
        raise RefusedError(
            f"{name} was {shift.state}, so it has no pin to write.",
            hint=f"`tandem shift {route} --status` shows why, and `tandem shift {route} --to "
            f"{shift.to}` starts another one.",
        )
    if shift.state is not ShiftState.DONE:
        raise RefusedError(
            f"{name} is {shift.state}, {share(shift)}.",
            hint="Its pin is written once it is done; `tandem shift --status` shows how far it is.",
        )


def print_status(options: argparse.Namespace) -> int:
    """Print the shifts that split requests, those that ended of late, and the mirror."""
    run_dir = find_running_dir(options)
    mirrored.end_abandoned(run_dir)
    kept, mirror = shifts.read(run_dir), mirrored.read(run_dir)
    known = [*(each.route for each in kept), *([mirror.route] if mirror else [])]
    pattern = None if options.route is None else _pattern_of(options, known)
    found = [each for each in kept if pattern in (None, each.route)]
    if options.json:
        console.print_json([as_json(each) for each in found])
        return 0
    since = time.time() - NEWS_S if pattern is None and not options.all else 0.0
    shown = [each for each in found if each.percent or each.ended_s >= since]
    printed = [line for each in shown for line in lines(each)]
    if mirror is not None and pattern in (None, mirror.route):
        printed += shift_mirror.status_lines(mirror) if _is_since(mirror, since) else []
    for line in printed or [f"{pattern} is not shifted." if pattern else "No route is shifted."]:
        console.line_out(line)
    if lock.holder(run_dir) is None and any(each.percent for each in shown):
        console.line_out("The stack is stopped, and splits the requests again once it starts.")
    if hidden := len(found) - len(shown):
        console.line_out(
            f"{console.counted(hidden, 'shift')} ended more than a day ago: "
            "`tandem shift --status --all` shows all."
        )
    return 0


def _is_since(run: MirrorRun, since: float) -> bool:
    return run.ended_s is None or run.ended_s >= since


def started(shift: Shift) -> str:
    """Return the sentence on a shift that has begun."""
    steps = ", ".join(map(str, shift.steps))
    further = f"; the steps are {steps}, each for {shift.every_s:.0f} s" if shift.steps[1:] else ""
    return (
        f"{shift.route}: {shift.to.upper()} serves {shift.percent} % of its clients, "
        f"{' and '.join(shift.methods)}{further}."
    )


def as_json(shift: Shift) -> dict[str, object]:
    """Return it with the names of its fields as keys, and its percent."""
    return {**asdict(shift), "percent": shift.percent}


def share(shift: Shift) -> str:
    """Return the share of its clients in words."""
    return f"{shift.percent} % of its clients"


def lines(shift: Shift) -> list[str]:
    """Return the lines of the status: how far it is, its sides, and what to do."""
    head = f"{shift.route} to {shift.to.upper()}: {shift.state}, {share(shift)}"
    number = f", step {shift.step + 1} of {len(shift.steps)}" if shift.percent else ""
    return [
        f"{head}{number}. {shift.reason}".rstrip(),
        *([f"  {shift.step_note}"] if shift.step_note else []),
        _side(shift.to, shift.on_trial),
        _side(shift.home, shift.at_home),
        *([f"  Requests that show it: {', '.join(shift.requests)}"] if shift.requests else []),
        *([_next(shift)] if shift.state is ShiftState.DONE else []),
    ]


def _side(name: str, figures: SideFigures) -> str:
    times = [
        f"{label} {value * 1000:.0f} ms"
        for label, value in (("p50", figures.p50_s), ("p95", figures.p95_s))
        if value is not None
    ]
    size = [f"{figures.p50_bytes} bytes"] if figures.p50_bytes is not None else []
    counts = [f"{console.counted(figures.requests, 'request')}", f"{figures.failed} failed"]
    return f"  {name.upper()}: {', '.join([*counts, *times, *size])}"


def _next(shift: Shift) -> str:
    return (
        f'  Pin it in TANDEM["ROUTES"], or mark its view @on_{shift.to}, and reload: '
        f"`tandem shift '{shift.route}' --write` writes the pin."
    )

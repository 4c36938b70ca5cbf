"""The part of `tandem shift` that compares both stacks before a shift: `--mirror`."""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django_tandem.cli import console, figures
from django_tandem.cli.argument_types import duration, ignored
from django_tandem.cli.interrupts import interruptible
from django_tandem.errors import RefusedError, TandemError
from django_tandem.mirror import Difference, MirrorReport, parse_ignored
from django_tandem.mirror.findings import Finding
from django_tandem.mirror.server import Mirror, serving
from django_tandem.model import Plan, Stack, Verdict
from django_tandem.runtime import lock, mirrored
from django_tandem.runtime.mirrored import MirrorRun

FOR_S = 600.0
# How often the report is written, for `tandem shift --status` and the dashboard.
WRITE_EVERY_S = 1.0
# Options that a mirror has no use for.
OF_A_SHIFT = ("percent", "steps", "pause", "resume", "abort", "write", "auto")
# Of the columns of an excerpt.
TAB = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--mirror",
        action="store_true",
        help="shift no request: send copies of its GETs to both stacks, and compare the responses",
    )
    parser.add_argument(
        "--for",
        dest="for_s",
        metavar="TIME",
        type=duration,
        help="how long --mirror compares (10m)",
    )
    parser.add_argument(
        "--ignore",
        metavar="WHAT",
        action="append",
        default=[],
        type=ignored,
        help="what --mirror does not compare: a header, a JSON path such as $.lots[*].age, or a "
        "/regex/; may be repeated",
    )


def require_consistent(options: argparse.Namespace) -> None:
    """Raise TandemError for an option of the mirror without one, and of a shift with one."""
    for name, given in (("--for", options.for_s), ("--ignore", options.ignore)):
        if given and not options.mirror:
            raise TandemError(
                f"`{name}` is for `--mirror`.", hint="A shift compares by its own rules."
            )
    for name in OF_A_SHIFT:
        if options.mirror and getattr(options, name):
            raise TandemError(
                f"`--{name}` is for a shift, and `--mirror` starts none.",
                hint="Ctrl-C ends a mirror, and `--for` sets its length.",
            )


def run(options: argparse.Namespace, plan: Plan, verdict: Verdict) -> int:
    """Compare for a while, and print the report; 1 unless all responses were the same."""
    run_dir = Path(plan.run_dir)
    home, other = _sockets(run_dir, verdict.stack, options.to)
    began, for_s = time.time(), options.for_s or FOR_S
    mirror = Mirror(home, other, parse_ignored(options.ignore))
    state = MirrorRun(
        route=verdict.route.pattern,
        home=verdict.stack,
        to=options.to,
        began_s=began,
        until_s=began + for_s,
    )
    with _locked(run_dir):
        for line in _begun(plan, state):
            console.line_err(line)
        # Before the first copy: the report of an earlier mirror is not to be taken for this one's.
        mirrored.write(run_dir, state)
        _compare(run_dir, mirror, state)
        finished = replace(state, ended_s=time.time(), report=mirror.report())
        mirrored.write(run_dir, finished)
    if options.json:
        console.print_json(finished.as_json())
    else:
        _print(finished)
    report = finished.report
    return 0 if report.compared and not report.differing else 1


def _begun(plan: Plan, state: MirrorRun) -> list[str]:
    for_s = round(state.until_s - state.began_s)
    begun = (
        f"GETs of {state.route} go to {state.home.upper()} as before, and copies to both stacks "
        f"for {console.duration(for_s)}. Ctrl-C ends it, and prints the report."
    )
    if not plan.project.saves_each_session:
        return [begun]
    warning = (
        "SESSION_SAVE_EVERY_REQUEST is True: each copy saves the session of its client, and may "
        "overwrite the changes of its other requests."
    )
    return [begun, warning]


def _sockets(run_dir: Path, *stacks: Stack) -> list[Path]:
    found = [run_dir / f"{stack}.sock" for stack in stacks]
    for stack, path in zip(stacks, found, strict=True):
        if not path.exists():
            raise RefusedError(
                f"{stack.upper()} has no socket in {run_dir}, as it runs on another host.",
                hint="Mirror on a host with the edge and both stacks.",
            )
    return found


@contextmanager
def _locked(run_dir: Path) -> Iterator[None]:
    handle = lock.try_to_take(run_dir, lock.MIRROR)
    if handle is None:
        raise RefusedError(
            f"Another mirror, with pid {lock.holder(run_dir, lock.MIRROR)}, runs in {run_dir}.",
            hint="One at a time: wait for its end, or stop it with Ctrl-C.",
        )
    try:
        yield
    finally:
        lock.release(handle)


def _compare(run_dir: Path, mirror: Mirror, state: MirrorRun) -> None:
    """Compare until the time is over, or an interrupt."""
    with interruptible():
        try:
            with serving(run_dir, mirror), _copying(run_dir, state.route):
                while time.time() < state.until_s and lock.holder(run_dir) is not None:
                    time.sleep(max(0.0, min(WRITE_EVERY_S, state.until_s - time.time())))
                    mirrored.write(run_dir, replace(state, report=mirror.report()))
        except KeyboardInterrupt:
            # The report so far is printed.
            return


@contextmanager
def _copying(run_dir: Path, route: str) -> Iterator[None]:
    mirrored.begin(run_dir, route)
    try:
        yield
    finally:
        mirrored.end(run_dir)


def status_lines(run: MirrorRun) -> list[str]:
    """Return the lines of a mirror for a reader, without examples."""
    report = run.report
    state = "is mirrored" if run.ended_s is None else "was mirrored"
    counts = [
        f"{report.equal} equal",
        f"{report.differing} different",
        *([f"{report.unstable} that differ on {run.home.upper()} too"] if report.unstable else []),
        *([f"{report.failed} without a response"] if report.failed else []),
        *([f"{report.dropped} not compared"] if report.dropped else []),
    ]
    return [
        f"{run.route} {state} to {run.to.upper()}: "
        f"{console.counted(report.compared, 'request')} compared. {', '.join(counts)}.",
        *(f"  {_heading(each)}" for each in report.findings),
    ]


def _print(run: MirrorRun) -> None:
    if not run.report.compared:
        console.line_out(_nothing_compared(run, run.report))
        return
    summary, *_ = status_lines(run)
    console.line_out(summary)
    for each in run.report.findings:
        console.line_out(f"\n{_heading(each)}, first by {figures.printable(each.target)}")
        for line in _example(each.example, run):
            console.line_out(f"  {figures.printable(line.expandtabs(TAB))}")
    if run.report.unstable == run.report.compared:
        console.line_out(
            f"No response was the same twice on {run.home.upper()}, so only parts of them "
            "were compared: `--ignore` leaves out what varies."
        )
    elif not run.report.differing:
        console.line_out(
            f"Shift it next: `tandem shift '{run.route}' --to {run.to}` begins with 1 % of its "
            "clients."
        )


def _nothing_compared(run: MirrorRun, report: MirrorReport) -> str:
    if report.failed:
        return (
            f"None of {console.counted(report.failed, 'request')} for {run.route} got a response "
            "of both stacks."
        )
    if report.dropped:
        return (
            f"None of {console.counted(report.dropped, 'request')} for {run.route} was compared "
            "before the mirror's end."
        )
    return f"No GET of {run.route} arrived in that time, so nothing was compared."


def _heading(finding: Finding) -> str:
    example = finding.example
    name = figures.printable(f"{example.kind} {example.name}".rstrip())
    return f"{name}: {finding.count} times" if finding.count > 1 else f"{name}: once"


def _example(example: Difference, run: MirrorRun) -> list[str]:
    if example.excerpt:
        return [f"--- {run.home.upper()}", f"+++ {run.to.upper()}", *example.excerpt]
    return [f"{run.home.upper()}: {example.home}", f"{run.to.upper()}: {example.other}"]

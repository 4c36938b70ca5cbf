"""
Compares the example on all topologies, prints the tables and the ratios, and writes the report.

`make bench` runs all of it, `make bench-quick` only what the ratios need: ``python -m side_by_side
[--quick] [--rounds N] [--duration S] [--only NAME …] [--load WORD …]``.
"""

import argparse
import sys
import time

from results import RESULTS, finish, say

from django_tandem.bench.page import page
from django_tandem.bench.report import BenchReport, as_json, is_complete, report
from django_tandem.bench.resources import count_database_connections
from django_tandem.bench.session import Schedule, Session
from django_tandem.cli import INTERRUPTED
from django_tandem.cli.bench import print_tables
from django_tandem.cli.interrupts import interruptible
from django_tandem.cli.progress import Progress
from side_by_side.bounds import is_bound, ratios
from side_by_side.compared import EVERY, TANDEM, read_project
from side_by_side.loads import LOADS, QUICK_LOADS
from side_by_side.surroundings import surroundings

DRIVER = (sys.executable, "-m", "side_by_side.driver")
NICE = ("tandem", "tandem-level", "reference", "reference-nice")
# The topologies of the ratios, three minutes.
QUICK = ("gunicorn", "uvicorn", "granian", "uvicorn-pool", "reference", "tandem")
# Rounds, seconds of a round, seconds of its warm-up.
COURSES = {"bench": (3, 3, 1), "bench-quick": (2, 2.5, 0.5), "bench-nice": (8, 5, 2)}
PACKAGES = ("django", "gunicorn", "uvicorn", "daphne", "granian", "hypercorn", "channels")


def main(argv: list[str]) -> int:
    """Run; 1 when a ratio falls short, 130 when interrupted."""
    options = _parsed(argv)
    try:
        with interruptible(), surroundings():
            found = _measure(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    if found.was_cut:
        print_tables(found)
        return INTERRUPTED
    # A part must not replace the results of the whole.
    return _write(found, "bench-part" if options.is_part else _target(options))


def _measure(options: argparse.Namespace) -> BenchReport:
    began = time.monotonic()
    made = read_project()
    chosen = [each for each in EVERY if not options.only or each.name in options.only]
    topologies = [each.topology(made) for each in chosen]
    every = QUICK_LOADS if options.quick else LOADS
    workloads = [each for each in every if any(word in each.name for word in options.load or [""])]
    with Progress(options.rounds * len(topologies) * (1 + len(workloads))) as progress:
        session = Session(
            topologies=topologies,
            workloads=workloads,
            schedule=Schedule(
                rounds=options.rounds,
                seconds=options.duration,
                warm_s=options.warm,
                count=count_database_connections(),
                driver=DRIVER,
            ),
            is_needed=lambda topology, workload: not options.quick or is_bound(topology, workload),
            report_step=progress.step,
            report_failure=progress.say,
        )
        session.run()
    return report(
        session,
        title="One project on a dozen topologies",
        command=["make", _target(options)],
        baseline=TANDEM,
        began=began,
    )


def _target(options: argparse.Namespace) -> str:
    if options.nice:
        return "bench-nice"
    return "bench-quick" if options.quick else "bench"


def _write(found: BenchReport, target: str) -> int:
    print_tables(found)
    code = finish(target, ratios(found), packages=PACKAGES, report=as_json(found))
    path = RESULTS / f"{target}.html"
    path.write_text(page(found))
    say(f"Written: {path}, after {found.seconds / 60:.0f} min")
    return code if is_complete(found) else 1


def _parsed(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="side_by_side")
    parser.add_argument("--quick", action="store_true", help="only what the ratios need")
    parser.add_argument("--nice", action="store_true", help="only the effect of WSGI's priority")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--duration", type=float, help="of a round, in seconds")
    parser.add_argument("--warm", type=float, help="seconds of the warm-up")
    parser.add_argument("--only", nargs="+", help="topologies, by their names")
    parser.add_argument("--load", nargs="+", help="workloads, by words of their names")
    options = parser.parse_args(argv)
    options.is_part = bool(options.only or options.load)
    rounds, duration, warm = COURSES[_target(options)]
    options.rounds = options.rounds or rounds
    options.duration = options.duration or duration
    options.warm = options.warm or warm
    if options.nice:
        options.only, options.load = NICE, ["DRF"]
    options.only = options.only or (QUICK if options.quick else None)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Measure the same URLs on WSGI only, ASGI only and the hybrid, side by side."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django_tandem import pipeline
from django_tandem.bench import report as reporting
from django_tandem.bench.measured import Report
from django_tandem.bench.page import need_plotting, page
from django_tandem.bench.session import Course, Session
from django_tandem.bench.topologies import HYBRID, Choice, topologies
from django_tandem.bench.topology import Topology
from django_tandem.bench.workload import Workload
from django_tandem.cli import INTERRUPTED, bench_asking, bench_table, console
from django_tandem.cli.database_use import count_connections
from django_tandem.cli.planning import load_project
from django_tandem.cli.progress import Progress
from django_tandem.errors import TandemError
from django_tandem.model import Plan, Stack
from django_tandem.pipeline import Loaded
from django_tandem.runtime.host import read_host
from django_tandem.runtime.preflight import require_installed
from django_tandem.servers import SERVERS
from django_tandem.settings import Settings

# What is taken for Ctrl-C: a terminal that closes, and who ends programs by `kill`.
ENDS = (signal.SIGHUP, signal.SIGTERM)
# Asked before each round, so that nothing is measured that is done once: imports, connections.
WARM_S = 1.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    bench_asking.add_arguments(parser)
    for stack, servers in SERVERS.items():
        parser.add_argument(
            f"--{stack}",
            action="append",
            choices=[server.name for server in servers],
            metavar="SERVER",
            help=f"instead of the settings' own {stack.upper()} server; may be repeated, and the "
            "first is the hybrid's",
        )
    parser.add_argument(
        "--duration",
        type=bench_asking.seconds,
        default=10,
        metavar="S",
        help="of a round, in seconds (10)",
    )
    parser.add_argument(
        "--rounds", type=bench_asking.whole, default=3, metavar="N", help="of each (3)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with charts")


def run(options: argparse.Namespace) -> int:
    """Measure; 1 when a topology could not be, or not to its end."""
    workloads = bench_asking.workloads(options)
    _refuse_unwritable(options)
    for name in ("json", "html"):
        if given := getattr(options, name):
            setattr(options, name, given.absolute())
    loaded = load_project(options.settings)
    workloads = [bench_asking.with_host(each) for each in workloads]
    bench_asking.refuse_writing(options, workloads)
    # As `up` does, for what is relative in the settings.
    os.chdir(loaded.project.directory)
    with _ended_alike():
        found = _measure(options, loaded, workloads)
    _tell(found, options)
    if found.was_cut:
        # After Ctrl-C what was finished is told all the same.
        return INTERRUPTED
    return 0 if reporting.is_whole(found) else 1


@contextmanager
def _ended_alike() -> Iterator[None]:
    # Whatever ends a program would leave a whole stack running, which has a session of its own.
    before = {each: signal.signal(each, signal.default_int_handler) for each in ENDS}
    try:
        yield
    finally:
        for each, handled in before.items():
            signal.signal(each, handled)


def _measure(options: argparse.Namespace, loaded: Loaded, workloads: Sequence[Workload]) -> Report:
    compared = _topologies(options, loaded)
    began = time.monotonic()
    with Progress(options.rounds * len(compared) * (1 + len(workloads))) as progress:
        session = Session(
            topologies=compared,
            workloads=workloads,
            course=Course(
                rounds=options.rounds,
                seconds=options.duration,
                warm_s=min(WARM_S, options.duration),
                count=count_connections(),
            ),
            step=progress.step,
            say=progress.say,
        )
        session.run()
    return reporting.report(
        session,
        title=f"{loaded.project.settings_module.partition('.')[0]}, side by side",
        command=["tandem", *bench_asking.shown(sys.argv[1:])],
        baseline=HYBRID,
        began=began,
        notes=list(_notes(options, loaded)),
    )


def _notes(options: argparse.Namespace, loaded: Loaded) -> Iterator[str]:
    settings = loaded.settings
    if settings.edge.tls is not None:
        yield "Measured without TLS: no other topology has it, and the edge's is the same for all."
    if settings.programs and not options.programs:
        names = ", ".join(name for name, _ in settings.programs)
        yield f'Measured without TANDEM["PROGRAMS"] ({names}); `--programs` runs them.'
    if loaded.project.debug:
        yield "Measured with DEBUG on: Django keeps each query, and is slower than in production."


def _refuse_unwritable(options: argparse.Namespace) -> None:
    """Raise TandemError for a file that could not be written in the end."""
    if options.html:
        need_plotting()
    for path in filter(None, (options.json, options.html)):
        if not os.access(path.absolute().parent, os.W_OK) or path.is_dir():
            raise TandemError(
                f'"{path}" can\'t be written.', hint="Name a file in a directory that is there."
            )


def _tell(found: Report, options: argparse.Namespace) -> None:
    bench_table.show(found)
    if options.json:
        options.json.write_text(console.json_text(reporting.facts(found)) + "\n", "utf-8")
    if options.html:
        options.html.write_text(page(found), "utf-8")
    for path in filter(None, (options.json, options.html)):
        console.line_err(f"Written: {path}")


def _topologies(options: argparse.Namespace, loaded: Loaded) -> tuple[Topology, ...]:
    settings = loaded.settings
    if not options.programs:
        # They would work on real queues, once more for each topology and round.
        settings = replace(settings, programs=())
    choice = Choice(
        wsgi=list(dict.fromkeys(options.wsgi or [settings.wsgi.server])),
        asgi=list(dict.fromkeys(options.asgi or [settings.asgi.server])),
    )
    for stack, names in ((Stack.WSGI, choice.wsgi), (Stack.ASGI, choice.asgi)):
        for server in SERVERS[stack]:
            if server.name in names:
                require_installed(server)
    host = read_host(settings.edge.nginx)

    def plan_with(chosen: Settings, run_dir: Path) -> Plan:
        with_chosen = replace(loaded, settings=chosen)
        verdicts = pipeline.decide(with_chosen)
        return pipeline.plan(with_chosen, verdicts, host, run_dir=str(run_dir))

    return topologies(settings, choice, plan_with)

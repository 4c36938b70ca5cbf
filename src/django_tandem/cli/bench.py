"""Measure the same URLs on WSGI only, ASGI only and the hybrid, side by side."""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.http.request import validate_host

from django_tandem import pipeline
from django_tandem.bench import report as reports
from django_tandem.bench.page import page
from django_tandem.bench.report import BenchReport
from django_tandem.bench.resources import count_database_connections
from django_tandem.bench.results import (
    REQUESTS,
    BenchMetric,
    ResultRow,
    failures,
    measured,
    median,
    ratio,
)
from django_tandem.bench.session import Schedule, Session
from django_tandem.bench.topology import HYBRID, ServerChoice, Topology, topologies
from django_tandem.bench.workload import WebSockets, Workload
from django_tandem.cli import INTERRUPTED, argument_types, bench_fanout, bench_replay, console
from django_tandem.cli.interrupts import interruptible
from django_tandem.cli.planning import load_project
from django_tandem.cli.progress import Progress
from django_tandem.cli.run_dirs import env_file_of
from django_tandem.errors import TandemError
from django_tandem.model import Plan, Stack
from django_tandem.pipeline import Loaded
from django_tandem.runtime.host import read_host
from django_tandem.runtime.preflight import require_installed
from django_tandem.servers import SERVERS
from django_tandem.settings import Settings

# Imports and connections happen before each round.
WARM_S = 1.5
# Safe methods (RFC 9110, 9.2.1).
SAFE = ("GET", "HEAD", "OPTIONS")
SECRET = ("--header", "--body", "--message")
# Not HEAD: its responses have a Content-Length and no body.
METHODS = ("GET", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
# Seconds of a round.
DURATION_S, REPLAY_DURATION_S = 10.0, 60.0
# The host of a request, unless a header says otherwise.
ADDRESS = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    _add_workload_arguments(parser)
    bench_fanout.add_arguments(parser)
    for stack, servers in SERVERS.items():
        parser.add_argument(
            f"--{stack}",
            action="append",
            type=argument_types.one_of(server.name for server in servers),
            metavar="SERVER",
            help=f"instead of the settings' own {stack.upper()} server; may be repeated, and the "
            "first is the hybrid's",
        )
    parser.add_argument(
        "--duration",
        type=argument_types.seconds,
        metavar="S",
        help="of a round, in seconds (10, and 60 with --from-log)",
    )
    parser.add_argument(
        "--rounds",
        type=argument_types.positive_integer,
        default=3,
        metavar="N",
        help="of each (3)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with charts")


def run(options: argparse.Namespace) -> int:
    """Measure; 1 when a topology did not finish all of its rounds."""
    bench_replay.require_consistent(options)
    is_fanout = bench_fanout.has_broadcasts(options)
    options.duration = options.duration or (REPLAY_DURATION_S if options.from_log else DURATION_S)
    workloads: list[Workload] = []
    if is_fanout:
        workloads = [bench_fanout.workload_of(options, _host_and_path)]
    elif not options.from_log:
        workloads = workloads_of(options)
    _require_writable(options)
    for name in ("json", "html", "from_log"):
        if given := getattr(options, name):
            setattr(options, name, given.absolute())
    loaded = load_project(options.settings, env_file_of(options))
    if options.from_log:
        workloads = [bench_replay.workload_of(options, _sockets(options))]
    workloads = [with_host(each) for each in workloads]
    require_consent(options, workloads)
    # As `up` does, for relative paths in the settings.
    os.chdir(loaded.project.directory)
    if is_fanout:
        return _run_fanout(options, loaded, workloads[0])
    with interruptible():
        report = _measure(options, loaded, workloads)
    # An interrupted session prints its finished rounds.
    _write(report, options)
    if report.was_cut:
        return INTERRUPTED
    return 0 if reports.is_complete(report) else 1


def _measure(
    options: argparse.Namespace, loaded: Loaded, workloads: Sequence[Workload]
) -> BenchReport:
    compared = _topologies(options, loaded)
    began = time.monotonic()
    with Progress(options.rounds * len(compared) * (1 + len(workloads))) as progress:
        session = Session(
            topologies=compared,
            workloads=workloads,
            schedule=Schedule(
                rounds=options.rounds,
                seconds=options.duration,
                warm_s=min(WARM_S, options.duration),
                count=count_database_connections(),
            ),
            report_step=progress.step,
            report_failure=progress.say,
        )
        session.run()
    return reports.report(
        session,
        title=_title(loaded),
        command=["tandem", *redacted(sys.argv[1:])],
        baseline=HYBRID,
        began=began,
        notes=list(_notes(options, loaded)),
    )


def _run_fanout(options: argparse.Namespace, loaded: Loaded, trigger: Workload) -> int:
    return bench_fanout.run(
        options,
        trigger,
        _topologies(options, loaded),
        path=_host_and_path(options.ws)[1],
        title=_title(loaded),
        command=["tandem", *redacted(sys.argv[1:])],
        notes=_notes(options, loaded),
    )


def _title(loaded: Loaded) -> str:
    return f"{loaded.project.settings_module.partition('.')[0]}, side by side"


def _notes(options: argparse.Namespace, loaded: Loaded) -> Iterator[str]:
    settings = loaded.settings
    if settings.edge.tls is not None:
        yield "Measured without TLS: only the hybrid would have it."
    if settings.programs and not options.programs:
        names = ", ".join(name for name, _ in settings.programs)
        yield f'Measured without TANDEM["PROGRAMS"] ({names}). `--programs` starts them.'
    if loaded.project.debug:
        yield "Measured with DEBUG = True, which is slower: Django records each query."


def _require_writable(options: argparse.Namespace) -> None:
    """Raise TandemError for a file that can't be written, before the measurement."""
    for path in filter(None, (options.json, options.html)):
        if not os.access(path.absolute().parent, os.W_OK) or path.is_dir():
            raise TandemError(
                f'"{path}" can\'t be written.',
                hint="Name a file in a writable directory.",
            )


def _write(report: BenchReport, options: argparse.Namespace) -> None:
    print_tables(report)
    if options.json:
        options.json.write_text(console.json_text(reports.as_json(report)) + "\n", "utf-8")
    if options.html:
        options.html.write_text(page(report), "utf-8")
    for path in filter(None, (options.json, options.html)):
        console.line_err(f"Written: {path}")


def _topologies(options: argparse.Namespace, loaded: Loaded) -> list[Topology]:
    settings = loaded.settings
    if not options.programs:
        # They would consume real queues.
        settings = replace(settings, programs=())
    choice = ServerChoice(
        wsgi=list(dict.fromkeys(options.wsgi or [settings.wsgi.server])),
        asgi=list(dict.fromkeys(options.asgi or [settings.asgi.server])),
    )
    for stack, names in ((Stack.WSGI, choice.wsgi), (Stack.ASGI, choice.asgi)):
        for server in SERVERS[stack]:
            if server.name in names:
                require_installed(server)
    host = read_host(settings.edge.nginx)

    def plan_with(settings: Settings, run_dir: Path, *, generation: int = 1) -> Plan:
        chosen = replace(loaded, settings=settings)
        return pipeline.plan(
            chosen,
            pipeline.decide(chosen),
            host,
            run_dir=str(run_dir),
            generation=generation,
        )

    return topologies(settings, choice, plan_with)


def print_tables(report: BenchReport) -> None:
    """Print a table for each workload to stdout, and warnings to stderr."""
    for each in report.topologies:
        console.line_out(f"{each.title}: {each.what}")
    for workload in report.workloads:
        rows = report.rows_of(workload)
        console.line_out(f"\n{workload.name}")
        _table(report, rows, has_sockets=workload.sockets is not None)
        bench_replay.print_routes(report, rows)
    for warning in reports.warnings(report):
        console.line_err(warning)


def _table(report: BenchReport, rows: Sequence[ResultRow], *, has_sockets: bool) -> None:
    shown = measured(rows)
    if shown:
        heads = [head for metric in shown for head in _heads(metric, report)]
        lines = [
            [
                report.title_of(row.topology),
                *(cell for metric in shown for cell in _cells(row, metric, report)),
            ]
            for row in rows
            if row.rounds
        ]
        console.table(("", *heads), lines)
    for row in rows:
        if row.failure:
            console.line_out(f"{report.title_of(row.topology)}: {row.failure}")
    for row in rows:
        if has_sockets and row.rounds and not any(each.driven.sockets for each in row.rounds):
            console.line_out(f"{report.title_of(row.topology)}: measured without the WebSockets.")
        for why, times in failures(row).items():
            console.line_out(f"{report.title_of(row.topology)}: {why}, {times} times")


def _heads(metric: BenchMetric, report: BenchReport) -> list[str]:
    # Only the title: "ms" is not "MS".
    head = metric.heading.replace(metric.title, metric.title.upper())
    return [head, f"÷ {report.baseline.upper()}"] if metric is REQUESTS else [head]


def _cells(row: ResultRow, metric: BenchMetric, report: BenchReport) -> list[str]:
    text = metric.text(median(row, metric))
    return [text, _ratio(row, metric, report)] if metric is REQUESTS else [text]


def _ratio(row: ResultRow, metric: BenchMetric, report: BenchReport) -> str:
    over = ratio(row, report.row(row.workload, report.baseline), metric)
    return over.text if over is not None and row.topology != report.baseline else ""


def _add_workload_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("urls", nargs="*", metavar="URL", help="such as /api/lots/")
    parser.add_argument("--ws", metavar="PATH", help="keep WebSockets open on this path")
    parser.add_argument(
        "--sockets", type=argument_types.positive_integer, default=50, metavar="N", help="(50)"
    )
    parser.add_argument(
        "--connections",
        type=argument_types.positive_integer,
        default=16,
        metavar="N",
        help="at a time (16)",
    )
    parser.add_argument(
        "--method",
        type=lambda text: argument_types.one_of(METHODS)(text.upper()),
        metavar="METHOD",
        help="GET, or POST where there is a body",
    )
    parser.add_argument("--body", default="", metavar="TEXT", help="the body of each request")
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="NAME:VALUE",
        type=argument_types.header,
        help="of each request; may be repeated",
    )
    parser.add_argument(
        "--programs",
        action="store_true",
        help='run TANDEM["PROGRAMS"] too, such as a Celery worker on its own broker',
    )
    parser.add_argument("--yes", action="store_true", help="write to this database")
    bench_replay.add_arguments(parser)


def workloads_of(options: argparse.Namespace) -> list[Workload]:
    """Return a workload for each URL; without one there are only the WebSockets."""
    if not options.urls and not options.ws:
        raise TandemError(
            "Expected a URL or `--ws`.", hint="Name a URL, such as `tandem bench /api/lots/`."
        )
    ws_host, _ = _host_and_path(options.ws) if options.ws else ("", "")
    sockets = _sockets(options)
    method = options.method or ("POST" if options.body else "GET")
    found = []
    for host, path in dict.fromkeys(map(_host_and_path, options.urls)):
        found.append(
            Workload(
                name=f"{method} {host}{path}" + (f" with {options.ws}" if options.ws else ""),
                path=path,
                connections=options.connections,
                method=method,
                body=options.body,
                headers=_headers(options, host or ws_host),
                sockets=sockets,
            )
        )
    return found or [
        Workload(name=options.ws, path=None, headers=_headers(options, ws_host), sockets=sockets)
    ]


def _sockets(options: argparse.Namespace) -> WebSockets | None:
    return (
        WebSockets(path=_host_and_path(options.ws)[1], count=options.sockets)
        if options.ws
        else None
    )


def _headers(options: argparse.Namespace, host: str) -> tuple[tuple[str, str], ...]:
    is_named = any(name.lower() == "host" for name, _ in options.header)
    return (*options.header, *([("Host", host)] if host and not is_named else []))


def with_host(workload: Workload) -> Workload:
    """Return the workload with a Host header that ALLOWED_HOSTS accepts, unless it has one."""
    allowed = list(django_settings.ALLOWED_HOSTS)
    is_named = any(name.lower() == "host" for name, _ in workload.headers)
    # With DEBUG and an empty list, Django accepts loopback names.
    if is_named or validate_host(ADDRESS, allowed) or (django_settings.DEBUG and not allowed):
        return workload
    first = next((each.lstrip(".") for each in allowed), "")
    return replace(workload, headers=(*workload.headers, ("Host", first))) if first else workload


def require_consent(options: argparse.Namespace, requested: Sequence[Workload]) -> None:
    """Raise TandemError for requests that may write to the database without `--yes`."""
    changing = next((each for each in requested if each.method not in SAFE), None)
    if changing is None or options.yes:
        return
    name = f"{changing.method} of {changing.name}" if changing.replay else changing.name
    times = "as often as recorded" if changing.replay else "thousands of times"
    database = django_settings.DATABASES.get("default", {})
    where = f'"{database.get("NAME", "")}"' + (
        f" on {database['HOST']}" if database.get("HOST") else ""
    )
    warning = f"{name} would run {times} and may write to the database {where}."
    hint = "Use a copy of the database. If this is one, add `--yes`."
    if sys.stdin.isatty() and input(f"{warning}\n  Continue? [y/N] ").lower() == "y":
        return
    raise TandemError(warning, hint=hint)


def redacted(argv: Sequence[str]) -> Iterator[str]:
    """Yield a command line without the values of headers and bodies, which may be secrets."""
    before = ""
    for word in argv:
        option, equals, _ = word.partition("=")
        is_given = equals and option in SECRET
        yield "…" if before in SECRET else f"{option}=…" if is_given else word
        before = word


def _host_and_path(url: str) -> tuple[str, str]:
    """Return the host of ``url``, or "", and its path with the query."""
    # urlsplit drops control characters, and raises for an unclosed bracket.
    if url.isascii() and url.isprintable() and " " not in url:
        with contextlib.suppress(ValueError):
            parts = urlsplit(url)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            if path.startswith("/"):
                return parts.netloc, path
    raise TandemError(
        f'Expected a path of this project, got "{url}".',
        hint="Start it with a slash and percent-encode non-ASCII characters: /api/lots/?page=2",
    )

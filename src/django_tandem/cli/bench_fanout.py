"""The part of `tandem bench` that measures broadcasts to many WebSockets."""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence

from django_tandem.bench import fanout_report as reports
from django_tandem.bench.fanout import require_open_files, with_room
from django_tandem.bench.fanout_client import PLACEHOLDER
from django_tandem.bench.fanout_report import FanoutReport
from django_tandem.bench.fanout_session import (
    KILL,
    RELOAD,
    Broadcast,
    FanoutSchedule,
    FanoutSession,
)
from django_tandem.bench.fanout_workload import (
    FanoutJob,
    ephemeral_ports,
    raise_open_files,
    source_addresses,
)
from django_tandem.bench.topology import Topology
from django_tandem.bench.workload import Workload
from django_tandem.cli import INTERRUPTED, argument_types, console
from django_tandem.cli.interrupts import interruptible
from django_tandem.cli.progress import Progress
from django_tandem.errors import TandemError

# The steps of a round that the progress shows, besides each storm.
STEPS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    broadcast = parser.add_mutually_exclusive_group()
    broadcast.add_argument(
        "--message",
        metavar="TEXT",
        help="measure broadcasts to the WebSockets of `--ws`: this text, sent on one, makes "
        "the project send one; {stamp} in it is replaced, and must be in the broadcast too",
    )
    broadcast.add_argument(
        "--trigger",
        metavar="URL",
        help="the same, and a request for this URL makes the project send one; {stamp} may be in "
        "the URL, `--body` or a `--header`",
    )
    parser.add_argument(
        "--every",
        type=argument_types.seconds,
        default=0.0,
        metavar="S",
        help="a broadcast every so many seconds, not the next once all have received the last",
    )
    parser.add_argument(
        "--no-storms",
        action="store_true",
        help="end after the broadcasts, without a reload and a killed server process",
    )
    parser.add_argument(
        "--no-deflate",
        action="store_true",
        help="do not offer compression for broadcasts, as browsers do",
    )


def has_broadcasts(options: argparse.Namespace) -> bool:
    """Return whether the options have broadcasts measured."""
    return bool(options.message or options.trigger)


def workload_of(options: argparse.Namespace, path: Callable[[str], tuple[str, str]]) -> Workload:
    """
    Return what triggers a broadcast, as a workload, for the consent and the host that it needs.

    ``path`` splits a URL into its host and its path. Raises TandemError for options that do not
    go together.
    """
    if options.urls or options.html or not options.ws:
        wrong, hint = (
            ("Expected no URL", "Measure requests in another `tandem bench`.")
            if options.urls
            else ("Expected no `--html`", "Write the results with `--json`.")
            if options.html
            else ("Expected `--ws`", "Name a path of WebSockets: `--ws /ws/lots/1/`.")
        )
        option = "--message" if options.message else "--trigger"
        raise TandemError(f"{wrong} with `{option}`.", hint=hint)
    given = (options.message, options.trigger, options.body, *(v for _, v in options.header))
    if not any(PLACEHOLDER in (text or "") for text in given):
        raise TandemError(
            f'Expected {PLACEHOLDER} in "{options.message or options.trigger}".',
            hint="It becomes a time stamp, from which each WebSocket recognizes the broadcast.",
        )
    host, _ = path(options.ws)
    headers = (*options.header, *([("Host", host)] if host else []))
    if options.message:
        return Workload(name="The message", path=None, method="POST", headers=headers)
    _, trigger = path(options.trigger)
    method = options.method or ("POST" if options.body else "GET")
    name = f"{method} {trigger}"
    return Workload(name=name, path=trigger, method=method, body=options.body, headers=headers)


def run(
    options: argparse.Namespace,
    trigger: Workload,
    topologies: Sequence[Topology],
    *,
    path: str,
    title: str,
    command: Sequence[str],
    notes: Iterator[str],
) -> int:
    """Measure, print and write the report; 1 when a topology did not finish all of its rounds."""
    allowed = raise_open_files()
    cpus = len(os.sched_getaffinity(0))
    require_open_files(options.sockets, cpus, allowed)
    schedule = _schedule(options, cpus)
    began = time.monotonic()
    compared = [with_room(each, options.sockets, allowed) for each in topologies]
    steps = options.rounds * len(compared) * (STEPS + len(schedule.storms))
    with interruptible(), Progress(steps) as progress:
        session = FanoutSession(
            topologies=compared,
            job=_job(options, trigger, path),
            broadcast=_broadcast(options, trigger),
            schedule=schedule,
            report_step=progress.step,
            report_failure=progress.say,
        )
        session.run()
    report = reports.fanout_report(session, title=title, command=command, began=began, notes=notes)
    _write(report, options)
    if report.was_cut:
        return INTERRUPTED
    return 0 if reports.is_complete(report) else 1


def _schedule(options: argparse.Namespace, cpus: int) -> FanoutSchedule:
    return FanoutSchedule(
        count=options.sockets,
        rounds=options.rounds,
        seconds=options.duration,
        every_s=options.every,
        storms=() if options.no_storms else (RELOAD, KILL),
        cpus=cpus,
    )


def _job(options: argparse.Namespace, trigger: Workload, path: str) -> FanoutJob:
    return FanoutJob(
        url="",
        path=path,
        headers=tuple(each for each in trigger.headers if each[0].lower() != "content-type"),
        sources=source_addresses(options.sockets, ephemeral_ports()),
        offers_deflate=not options.no_deflate,
    )


def _broadcast(options: argparse.Namespace, trigger: Workload) -> Broadcast:
    return Broadcast(
        message=options.message or "",
        path=trigger.path or "",
        method=trigger.method,
        body=trigger.body,
        headers=trigger.headers,
    )


def print_tables(report: FanoutReport) -> None:
    """Print the tables to stdout, and warnings to stderr."""
    for row in report.rows:
        console.line_out(f"{row.title}: {row.what or row.failure}")
    console.line_out(f"\n{report.schedule.count:,} WebSockets on {report.path}")
    for heads, lines in (reports.delivery_table(report), reports.storm_table(report)):
        if lines:
            console.table(heads, lines)
            console.line_out("")
    for warning in reports.warnings(report):
        console.line_err(warning)


def _write(report: FanoutReport, options: argparse.Namespace) -> None:
    print_tables(report)
    if options.json:
        options.json.write_text(console.json_text(reports.as_json(report)) + "\n", "utf-8")
        console.line_err(f"Written: {options.json}")

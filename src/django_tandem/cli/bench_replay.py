"""The part of `tandem bench` that replays a log: its options, its sources, its table of routes."""

import argparse
import gzip
import time
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from django_tandem.bench.replay.access_logs import LoggedRequest, read_requests
from django_tandem.bench.replay.history import NO_URL, examples_of, from_history
from django_tandem.bench.replay.recording import Selection, record
from django_tandem.bench.replay.routes import RouteFigures, route_figures
from django_tandem.bench.report import BenchReport
from django_tandem.bench.results import P50, P95, ResultRow
from django_tandem.bench.workload import Replay, WebSockets, Workload
from django_tandem.cli import argument_types, console
from django_tandem.errors import RefusedError, TandemError
from django_tandem.inprocess.access_log import header_text
from django_tandem.model import programs
from django_tandem.monitor.history import HISTORY, read
from django_tandem.monitor.minutes import UNMATCHED
from django_tandem.project.lookup import is_file, path_of, pattern_of
from django_tandem.runtime import logs

# A log of weeks would not fit into the memory.
MOST_LOGGED = 200_000
SQLITE, GZIP = b"SQLite format 3\0", b"\x1f\x8b"
RECORDED_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
READ_ONLY = ("GET", "HEAD")
DAY_S = 86_400
# Of the table; the JSON and the page have all.
MOST_ROUTES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--from-log",
        type=Path,
        metavar="FILE",
        help="replay the busiest time of an access log, of a run directory, or of a history",
    )
    parser.add_argument(
        "--speed",
        type=argument_types.factor,
        metavar="X",
        help="replay it so many times as fast (1)",
    )
    parser.add_argument(
        "--methods",
        type=argument_types.several_of(RECORDED_METHODS),
        metavar="LIST",
        help="the methods that are replayed (GET,HEAD); a log has no bodies",
    )


def require_consistent(options: argparse.Namespace) -> None:
    """Raise TandemError for options that exclude each other."""
    if not options.from_log:
        if options.methods:
            raise TandemError(
                "`--methods` is for `--from-log`.", hint="A URL's own is given by `--method`."
            )
        if options.speed:
            raise TandemError(
                "`--speed` is for `--from-log`.",
                hint="The load of a URL is set by `--connections`.",
            )
        return
    given = {
        "a URL": options.urls,
        "`--body`": options.body,
        "`--method`": options.method,
        "`--message`": options.message,
        "`--trigger`": options.trigger,
    }
    for name, value in given.items():
        if value:
            raise TandemError(
                f"Expected `--from-log` or {name}, got both.",
                hint="A log has the URLs and the methods of its requests, and no more.",
            )


def workload_of(options: argparse.Namespace, sockets: WebSockets | None) -> Workload:
    """Return the replay of `--from-log`; raises TandemError for a source without requests."""
    methods = options.methods or READ_ONLY
    speed = options.speed or 1.0
    replay = _read(options.from_log, methods, options.duration * speed)
    if not replay.requests:
        raise _nothing_to_replay(options.from_log, replay)
    sent = {each.method for each in replay.requests}
    unsafe = sorted(sent - {"GET", "HEAD", "OPTIONS"})
    return Workload(
        name=f"the replay of {options.from_log.name}",
        path=None,
        method=unsafe[0] if unsafe else "GET",
        headers=tuple(options.header),
        sockets=sockets,
        replay=replay.at_speed(speed),
    )


def _nothing_to_replay(source: Path, replay: Replay) -> RefusedError:
    if not replay.left_out:
        return RefusedError(
            f'"{source}" has no request for a view.',
            hint="The monitor records them while `tandem up` runs, once a minute.",
        )
    counts = ", ".join(f"{kind} ({count:,})" for kind, count in replay.left_out)
    return RefusedError(
        f'"{source}" has no request that can be replayed: {counts}.',
        hint=_remedy([kind for kind, _ in replay.left_out]),
    )


def _remedy(left_out: Iterable[str]) -> str:
    kinds = [each.removesuffix(" requests") for each in left_out]
    methods = [each for each in kinds if each in RECORDED_METHODS]
    if methods:
        return f"`--methods {','.join(methods)}` replays these."
    if any(each.endswith(NO_URL) for each in kinds):
        return "Name a run directory or an access log: a history has no methods and no parameters."
    return "Name a log with requests that a view responded to."


def _read(source: Path, methods: Sequence[str], span_s: float) -> Replay:
    if source.is_dir():
        if list(source.glob(f"{programs.NGINX}.log*")):
            return _of_log(_lines_in(source), source, methods, span_s)
        if (source / HISTORY).exists():
            return _of_history(source / HISTORY, methods, span_s)
        raise TandemError(
            f'"{source}" has no access log and no history.',
            hint="Name a run directory, such as .tandem, or a log file.",
        )
    try:
        with source.open("rb") as file:
            magic = file.read(len(SQLITE))
    except OSError as error:
        raise TandemError(
            f'"{source}" can\'t be read: {error.strerror}.', hint="Name a log or a run directory."
        ) from error
    if magic == SQLITE:
        return _of_history(source, methods, span_s)
    return _of_log(_lines_of(source, is_gzip=magic.startswith(GZIP)), source, methods, span_s)


def _of_log(lines: Iterable[str], source: Path, methods: Sequence[str], span_s: float) -> Replay:
    logged = deque(read_requests(lines), maxlen=MOST_LOGGED)
    if not logged:
        raise RefusedError(
            f'"{source}" has no line of an access log.',
            hint="Name a log of tandem, text or JSON, or one of NGINX in its combined format.",
        )
    wanted = Selection(methods=methods, span_s=span_s, route_of=_route_of, is_file=_is_file)
    return record(logged, source.name, wanted)


def _of_history(source: Path, methods: Sequence[str], span_s: float) -> Replay:
    now = time.time()
    # Those of the last day are by the minute; a copied file may be older.
    records = list(read(source, since=now - DAY_S, until=now)) or read(source, since=0, until=now)
    logged: Iterable[LoggedRequest] = deque(
        read_requests(_lines_in(source.parent)), maxlen=MOST_LOGGED
    )
    examples = examples_of(logged, methods, _route_of)
    return from_history(records, source.name, span_s, examples, methods)


def _lines_in(run_dir: Path) -> Iterator[str]:
    for line in logs.all_lines(run_dir, programs.NGINX):
        yield line.decode(errors="replace")


def _lines_of(source: Path, *, is_gzip: bool) -> Iterator[str]:
    try:
        with gzip.open(source) if is_gzip else source.open("rb") as lines:
            for line in lines:
                yield line.decode(errors="replace").rstrip("\r\n")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TandemError(
            f'"{source}" can\'t be decompressed: {error}.',
            hint="Copy it again, or name a log that is not compressed.",
        ) from error


def _route_of(target: str) -> str:
    return _pattern(target.partition("?")[0])


@cache
def _pattern(path: str) -> str:
    pattern = pattern_of(path_of(path))
    # The history has a route as its header has it.
    return header_text(pattern) if pattern else UNMATCHED


def _is_file(target: str) -> bool:
    return is_file(path_of(target.partition("?")[0]))


def print_routes(report: BenchReport, rows: Sequence[ResultRow]) -> None:
    """Print a table of the routes of a replay, each on each topology; nothing without one."""
    figures = route_figures(rows)
    if not figures:
        return
    routes = list(dict.fromkeys(each.route for each in figures))
    shown = set(routes[:MOST_ROUTES])
    heads = ("ROUTE", "REQUESTS", "TOPOLOGY", "P50 (ms)", "P95 (ms)", "ERRORS", "OTHER STATUS")
    console.line_out("")
    console.table(heads, [_cells(each, report) for each in figures if each.route in shown])
    for each in figures:
        for kind, count in each.errors:
            title = report.title_of(each.topology)
            console.line_out(f"{each.route}, {title}: {kind}, {count} times")
    if len(routes) > MOST_ROUTES:
        further = console.counted(len(routes) - MOST_ROUTES, "further route")
        console.line_out(f"{further}: `--json` and `--html` have all.")


def _cells(each: RouteFigures, report: BenchReport) -> list[str]:
    errors, changed = (sum(count for _, count in kinds) for kinds in (each.errors, each.changed))
    return [
        each.route,
        f"{each.requests:,}",
        report.title_of(each.topology),
        P50.text(each.p50_ms),
        P95.text(each.p95_ms),
        f"{errors:,}",
        f"{changed:,}",
    ]

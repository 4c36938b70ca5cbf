"""Advise which routes to move to the other stack, by what the monitor has recorded of them."""

import argparse
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len

from django_tandem.advisor.gains import sentences
from django_tandem.advisor.report import Report, capacity_of, make_report, render_page
from django_tandem.advisor.rules import Recommendation
from django_tandem.advisor.verdicts import Advice
from django_tandem.cli import console, figures
from django_tandem.cli.argument_types import duration
from django_tandem.cli.planning import Planned, named_verdict, plan_project
from django_tandem.cli.run_dirs import add_other_run_dir_argument
from django_tandem.errors import MachineError
from django_tandem.model import EVERY_ROLE, Overrides
from django_tandem.monitor.history import HISTORY, read
from django_tandem.monitor.history.reader import last_minute
from django_tandem.project.deployment import atomic_databases
from django_tandem.runtime.host import allowed_cpus
from django_tandem.runtime.run_dir import refuse_foreign

DAY_S = 86_400
COLUMNS = ("ROUTE", "STACK", "REQ/S", "WORKERS", "WAITS", "P95", "VERDICT")
SHORTEST_ROUTE = 24
# Where the terminal is narrower, in this order.
EXPENDABLE = ("REQ/S", "P95", "STACK", "WAITS")
# Of the sentences about one route, at most.
WIDTH = 80


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "route",
        nargs="?",
        metavar="ROUTE",
        help="all that is known of one: a pattern, a path, a URL name or a view",
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page as well")
    parser.add_argument(
        "--from",
        dest="history",
        type=Path,
        metavar="FILE",
        help="a copy of a history.sqlite3, such as one of production",
    )
    parser.add_argument(
        "--since",
        type=duration,
        default=7 * DAY_S,
        metavar="TIME",
        help="the oldest records to use, such as 30m, 12h or 7d (7d) before the last one",
    )
    add_other_run_dir_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Print the advice on all routes, or on one."""
    overrides = Overrides(roles=EVERY_ROLE, run_dir=options.run_dir)
    planned = plan_project(options, overrides=overrides)
    plan = planned.plan
    # Before the history is read, which may take seconds.
    pattern = named_verdict(options.route, plan).route.pattern if options.route else ""
    history = options.history or Path(plan.run_dir, HISTORY)
    if not options.history:
        refuse_foreign(history.parent)
    elif not history.is_file():
        raise MachineError(
            f'"{history}" is not a file.',
            hint="Name a copy of history.sqlite3, such as one of a production host.",
        )
    report = read_report(planned, history, options.since)
    chosen = report.find(pattern) if pattern else None
    if options.html:
        _write_page(report, options.html)
    if not report.requests and not options.json:
        _note_no_history(history)
    if options.json:
        found = report.as_json()
        routes = [each for each in found["routes"] if not chosen or _is_chosen(each, chosen)]
        console.print_json(found | {"routes": routes})
    elif chosen:
        for line in detail_lines(chosen, report, _terminal_width()):
            console.line_out(line)
    else:
        _show(report)
    return 0


def read_report(planned: Planned, history: Path, age_s: float = 7 * DAY_S) -> Report:
    """Return the advice by the last ``age_s`` seconds of a history."""
    end = last_minute(history)
    until = time.time() if end is None else 60.0 * (end + 1)
    records = read(history, since=until - age_s, until=until)
    server = planned.loaded.settings.wsgi.server
    capacity = capacity_of(planned.plan, wsgi_server=server, cpus=allowed_cpus())
    return make_report(planned.plan, records, capacity, atomic=atomic_databases())


def _is_chosen(route: dict[str, object], chosen: Advice) -> bool:
    return route["route"] == chosen.evidence.route


def _write_page(report: Report, file: Path) -> None:
    try:
        file.write_text(render_page(report), "utf-8")
    except OSError as error:
        raise MachineError(
            f'"{file}" can\'t be written: {error.strerror}.',
            hint="Name a file in a writable directory.",
        ) from error
    console.line_err(f"Written: {file}")


def _note_no_history(history: Path) -> None:
    lack = f"{history} has no requests" if history.exists() else f"{history.parent} has no history"
    console.line_err(
        f"{lack}, so the advice is based on the code alone.\n"
        "  Serve your usual traffic with `tandem up` for a day, or name a copy of another host's "
        "history with `--from`."
    )


def _show(report: Report) -> None:
    for line in table_lines(report, _terminal_width()) if report.shown else []:
        console.line_out(line)
    for line in summary_lines(report):
        console.line_err(line)


def _terminal_width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table_lines(report: Report, width: int | None) -> list[str]:
    """Return the table; with a ``width``, long routes are shortened to fit it."""
    rows = [_row(each) for each in report.shown]
    if width is None:
        return console.table_lines(COLUMNS, rows)
    rest = console.table_lines(COLUMNS[1:], [row[1:] for row in rows])
    # Shorter ones can't be distinguished: a column that is not shown is better.
    room = max(SHORTEST_ROUTE, width - max(map(cell_len, rest)) - 2)
    rows = [(shortened(row[0], room), *row[1:]) for row in rows]
    return console.narrowed_lines(COLUMNS, rows, width, EXPENDABLE)


def _row(advice: Advice) -> tuple[str, ...]:
    found = advice.evidence
    has_requests = bool(found.requests)
    return (
        figures.printable(found.route),
        found.stack.value,
        figures.rate(found.rate) if has_requests else "",
        f"{found.workers:.2f}" if has_requests else "",
        figures.percent(advice.waiting),
        figures.seconds(found.p95_s),
        advice.verdict.value,
    )


def shortened(text: str, room: int) -> str:
    """Return ``text`` with its middle left out, where it has more than ``room`` characters."""
    if len(text) <= room:
        return text
    end = (room - 1) * 2 // 3
    return f"{text[: room - 1 - end]}…{text[-end:]}"


def summary_lines(report: Report) -> list[str]:
    """Return what the table is based on, and what it comes to."""
    to_asgi = report.moves(Recommendation.TO_ASGI)
    to_wsgi = report.moves(Recommendation.TO_WSGI)
    lines = []
    if report.requests:
        lines.append(
            f"By {report.requests:,} requests in {console.duration(int(report.span_s))}, until "
            f"{time.strftime('%Y-%m-%d %H:%M %Z', time.localtime(report.end))}."
        )
    if unused := len(report.advice) - len(report.shown):
        lack = "a request" if report.requests else "anything in the code to advise on"
        lines.append(f"{console.counted(unused, 'route')} without {lack}.")
    if to_asgi:
        gains = [each.gain for each in to_asgi if each.gain]
        low, high = (sum(each.workers_freed[place] for each in gains) for place in (0, 1))
        freed = f", which frees {low:.1f} to {high:.1f} of {report.capacity.wsgi_workers} workers"
        lines.append(f"{console.counted(len(to_asgi), 'route')} to move to ASGI{freed}.")
    if to_wsgi:
        lines.append(f"{console.counted(len(to_wsgi), 'route')} to move to WSGI.")
    if not to_asgi and not to_wsgi:
        lines.append("No move is advised.")
    return [*lines, "`tandem advise ROUTE` shows the reasons of a route."]


def detail_lines(advice: Advice, report: Report, width: int | None = None) -> list[str]:
    """Return all that is known of one route, a paragraph for each part, in lines of ``width``."""
    width = min(WIDTH, width or WIDTH)
    found, code = advice.evidence, advice.code
    lines = [
        figures.printable(found.route),
        f"  view        {code.view}" + (f" ({code.source})" if code.source else ""),
        f"  stack       {found.stack}: {code.reason}",
        f"  verdict     {advice.verdict}, confidence {advice.confidence}",
    ]
    if found.requests:
        lines += [f"  {label:<11} {text}" for label, text in _evidence_rows(advice)]
    lines += _part("Reasons", advice.reasons, width)
    if advice.gain:
        lines += _part("Expected gain", sentences(advice.gain, report.capacity), width)
    changes = [f"{each.place}: {each.text}" if each.place else each.text for each in advice.changes]
    lines += _part("What to change", changes, width)
    commands = [f"  {each}" for each in advice.commands]
    return [*lines, "", "How to verify it", *commands] if commands else lines


def _evidence_rows(advice: Advice) -> list[tuple[str, str]]:
    found = advice.evidence
    waits = figures.percent(advice.waiting)
    share = f"{waits} of it waiting" if waits else "its wait is not known"
    return [
        ("requests", f"{found.requests} ({figures.rate(found.rate)}/s)"),
        ("errors", f"{found.error_share:.1%}"),
        ("workers", f"{found.workers:.2f} held, {found.peak_workers:.2f} in the busiest minute"),
        ("time", f"{figures.seconds(found.each_s)} in a worker, {share}"),
        ("CPU", figures.seconds(found.cpu_each_s) if found.cpu_known else "not known"),
        ("p50, p95", f"{figures.seconds(found.p50_s)}, {figures.seconds(found.p95_s)}"),
    ]


def _part(title: str, texts: Sequence[str], width: int) -> list[str]:
    lines = (line for each in texts for line in _wrapped(figures.printable(each), width))
    return ["", title, *lines] if texts else []


def _wrapped(text: str, width: int) -> list[str]:
    # A path and a line of a source stay whole.
    return textwrap.wrap(
        text,
        width=width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )

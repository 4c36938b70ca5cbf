"""Show the routes, the stack that serves each, and the reason."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from django_tandem.cli import console, status_rows
from django_tandem.cli.planning import add_role_argument, plan_project
from django_tandem.inprocess import handover_counts
from django_tandem.model import (
    ConnectionLimits,
    Middleware,
    Plan,
    Project,
    Protocol,
    Stack,
    Verdict,
)
from django_tandem.plan.background_workers import needs
from django_tandem.project.middleware import STOCK_HANDLER_SWITCHES, count_thread_switches


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print the whole plan as JSON")
    add_role_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Print the plan."""
    planned = plan_project(options)
    plan = planned.plan
    if options.json:
        console.print_json([as_json(verdict, plan.project) for verdict in plan.verdicts])
        return 0
    console.table(
        ("ROUTE", "NAME", "STACK", "REASON", "VIEW"),
        (tuple(_cells(verdict).values())[:5] for verdict in plan.verdicts),
    )
    handed_over = [
        status_rows.handover_row(each) for each in handover_counts.read(Path(plan.run_dir))
    ]
    for line in (*switch_lines(plan), *status_rows.handover_lines(handed_over)):
        console.line_out(line)
    console.line_err(_summary(plan))
    if plan.connections is not None:
        console.line_err(admission(plan.connections))
    for note in (*planned.loaded.notes, *plan.notes, *map(needs, plan.missing_workers)):
        console.line_err(note)
    return 0


def as_json(verdict: Verdict, project: Project) -> dict[str, object]:
    """Return what `--json` prints of one route; thread switches only for HTTP on ASGI."""
    found: dict[str, object] = {**_cells(verdict), "note": _note(verdict)}
    if not _is_http_on_asgi(verdict):
        return {**found, "hops": None, "middleware": []}
    chain = project.middleware if verdict.route.by_django else ()
    switching = [
        {"middleware": each.dotted, "hops": each.thread_switches, "why": each.why}
        for each in chain
        if each.thread_switches
    ]
    total = count_thread_switches(verdict.route, chain, is_stock=project.has_stock_handler)
    return {**found, "hops": total, "middleware": switching}


def switch_lines(plan: Plan) -> list[str]:
    """Return lines on the thread switches of the middleware, when a route on ASGI runs it."""
    verdicts = [each for each in plan.verdicts if _is_http_on_asgi(each) and each.route.by_django]
    if not verdicts:
        return []
    return ["", _switches(verdicts, plan.project), *advice(plan.project.middleware)]


def advice(middleware: Iterable[Middleware]) -> list[str]:
    """Return how to avoid the thread switches that ``middleware`` causes, a sentence each."""
    switching = [each for each in middleware if each.thread_switches or each.is_sync_only]
    found = []
    if sync_only := [each.dotted for each in switching if each.is_sync_only]:
        found.append(
            "Middleware without an async mode holds a thread until its view returns: "
            f"{', '.join(sync_only)}. Give it an async mode: the decorator "
            "@sync_and_async_middleware alone is not enough, as it must await get_response when "
            "that is a coroutine function."
        )
    if own := [each for each in switching if not each.is_sync_only and not _is_djangos(each)]:
        named = ", ".join(f"{each.dotted} ({each.why})" for each in own)
        found.append(
            f"Middleware with synchronous methods: {named}. "
            "Written as an async function, it causes no thread switch."
        )
    if any(map(_is_djangos, switching)):
        found.append(
            "Django's own middleware is synchronous inside: leave out of MIDDLEWARE what no "
            "route needs."
        )
    return found


def _cells(verdict: Verdict) -> dict[str, str]:
    route = verdict.route
    is_websocket = route.protocol is Protocol.WEBSOCKET
    return {
        "route": f"{route.pattern} (WebSocket)" if is_websocket else route.pattern,
        "name": route.name or "",
        "stack": verdict.stack.value,
        "reason": verdict.reason,
        "view": route.view.dotted,
        "source": route.view.source or "",
    }


def _note(verdict: Verdict) -> str:
    wrapper = verdict.route.view.wrapper
    if wrapper is None:
        return ""
    return f"Django never awaits this view: its wrapper, at {wrapper}, is not async itself."


def _summary(plan: Plan) -> str:
    on_asgi = sum(verdict.stack is Stack.ASGI for verdict in plan.verdicts)
    on_wsgi = console.counted(len(plan.verdicts) - on_asgi, "route")
    rules = console.counted(len(plan.edge.rules), "rule")
    return f"{on_wsgi} on WSGI, {on_asgi} on ASGI, {rules} at the edge."


def admission(limits: ConnectionLimits) -> str:
    """Return the sentence on how many WebSockets and event streams an ASGI process takes."""
    ages = [
        f"{name} end after at most {console.duration(age_s)}"
        for name, age_s in (
            ("WebSockets", limits.ages.websockets_s),
            ("event streams", limits.ages.streams_s),
        )
        if age_s is not None
    ]
    counts = f"{limits.websockets} WebSockets and {limits.streams} event streams"
    return f"Each ASGI process takes at most {'; '.join([counts, *ages])}."


def _is_http_on_asgi(verdict: Verdict) -> bool:
    return verdict.stack is Stack.ASGI and verdict.route.protocol is Protocol.HTTP


def _switches(verdicts: list[Verdict], project: Project) -> str:
    shares = [
        (_middleware_name(each), each.thread_switches)
        for each in project.middleware
        if each.thread_switches
    ]
    handler = ""
    if project.has_stock_handler:
        shares.append(("Django itself", STOCK_HANDLER_SWITCHES))
        handler = " with Django's own handler (see W009)"
    total = sum(share for _, share in shares)
    listed = ": " + ", ".join(f"{name} {share}" for name, share in shares) if shares else ""
    has_sync_view = any(not each.route.view.is_coroutine for each in verdicts)
    more = " A synchronous view takes one more." if has_sync_view else ""
    switches = f"{total or 'no'} thread switch{'' if total == 1 else 'es'}"
    return f"Each request on ASGI takes {switches}{handler}{listed}.{more}"


def _middleware_name(middleware: Middleware) -> str:
    return middleware.dotted.rpartition(".")[2] if _is_djangos(middleware) else middleware.dotted


def _is_djangos(middleware: Middleware) -> bool:
    return middleware.dotted.startswith("django.")

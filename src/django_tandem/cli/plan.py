"""Show the routes, the stack that serves each, and the reason."""

import argparse
from pathlib import Path

from django_tandem.cli import console, handovers, hops
from django_tandem.cli.planning import plan_project
from django_tandem.inprocess import counts
from django_tandem.model import Plan, Protocol, Stack, Verdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print the whole plan as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the plan."""
    plan = plan_project(options).plan
    if options.json:
        console.as_json(
            [
                {**_row(verdict), "note": _note(verdict), **hops.row(verdict, plan.project)}
                for verdict in plan.verdicts
            ]
        )
        return 0
    console.table(
        ("ROUTE", "NAME", "STACK", "REASON", "VIEW"),
        (tuple(_row(verdict).values())[:5] for verdict in plan.verdicts),
    )
    hops.show(plan)
    handovers.show([handovers.row(each) for each in counts.read(Path(plan.run_dir))])
    console.line_err(_summary(plan))
    for note in plan.notes:
        console.line_err(note)
    return 0


def _row(verdict: Verdict) -> dict[str, str]:
    route = verdict.route
    is_socket = route.protocol is Protocol.WEBSOCKET
    return {
        "route": f"{route.pattern} (WebSocket)" if is_socket else route.pattern,
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
    return f"Django never awaits this view: what wraps it, at {wrapper}, is not async itself."


def _summary(plan: Plan) -> str:
    on_asgi = sum(verdict.stack is Stack.ASGI for verdict in plan.verdicts)
    on_wsgi = len(plan.verdicts) - on_asgi
    rules = _counted(len(plan.edge.rules), "rule")
    return f"{_counted(on_wsgi, 'route')} on WSGI, {on_asgi} on ASGI, {rules} at the edge."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

"""Explain one URL: its view, the stack, the reason, and the edge's rule that decides."""

import argparse
from urllib.parse import unquote, urlsplit

from django_tandem.cli import console
from django_tandem.cli.planning import Planned, plan_project
from django_tandem.errors import RefusedError
from django_tandem.model import Pin, Plan, Protocol, Route, Verdict
from django_tandem.routing.lookup import resolve_http, resolve_websocket
from django_tandem.routing.rules import holds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("url", metavar="URL", help="a path, or a whole URL")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Print what answers the URL; 1 when nothing does."""
    planned = plan_project(options)
    path = unquote(urlsplit(options.url).path) or "/"
    answers = [_answer(route, planned) for route in _routes(path, planned)]
    if options.json:
        console.as_json({"path": path, "answers": answers})
        return 0 if answers else 1
    if not answers:
        raise RefusedError(
            f'Nothing in this project answers "{path}": it is a 404, from WSGI.',
            hint="`tandem plan` lists the routes there are.",
        )
    for answer in answers:
        console.table(("", path), answer.items())
    return 0


def _routes(path: str, planned: Planned) -> list[Route]:
    """Find the view and the WebSocket on a path; a project may have both."""
    routes, application = planned.plan.project.routes, planned.application
    target = _stripped(path, planned.plan.edge.strips)
    found = (
        resolve_http(target, routes),
        resolve_websocket(target, routes, application),
    )
    return [route for route in found if route is not None]


def _stripped(path: str, strips: tuple[str, ...]) -> str:
    """Take off what the edge takes off."""
    prefix = next((prefix for prefix in strips if path.startswith(prefix)), None)
    return path if prefix is None else f"/{path.removeprefix(prefix)}"


def _answer(route: Route, planned: Planned) -> dict[str, str]:
    verdict = next(verdict for verdict in planned.plan.verdicts if verdict.route == route)
    is_socket = route.protocol is Protocol.WEBSOCKET
    place = f" ({route.view.source})" if route.view.source else ""
    return {
        "route": f"{route.pattern} (WebSocket)" if is_socket else route.pattern,
        "name": route.name or "",
        "view": f"{route.view.dotted}{place}",
        "stack": verdict.stack.value,
        "reason": verdict.reason,
        "rule": _rule(verdict, planned.plan, planned.settings.routes),
    }


def _rule(verdict: Verdict, plan: Plan, pins: tuple[Pin, ...]) -> str:
    if verdict.route.protocol is Protocol.WEBSOCKET:
        return "Upgrade: websocket leads to asgi"
    prefixes = {pin.target for pin in pins if pin.is_prefix and holds(pin, verdict.route)}
    for rule in plan.edge.rules:
        if rule.origin in {verdict.route.pattern, *prefixes}:
            return f"{rule.match.pcre} leads to {rule.stack}"
    return "none matches, and wsgi is the default"

"""Explain one URL: its view, the stack, the reason, and the edge's rule that decides."""

import argparse
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.urls import get_resolver

from django_tandem.cli import console
from django_tandem.cli.answers import Answer, add_request_arguments, answers, read_request
from django_tandem.cli.planning import plan_project
from django_tandem.errors import RefusedError
from django_tandem.model import EVERY_ROLE, Edge, Overrides, Plan, Project, Route, Stack
from django_tandem.project.lookup import (
    may_answer,
    resolve_http,
)
from django_tandem.render.nginx import DRY_RUN_HOST
from django_tandem.routing.policy import decide
from django_tandem.runtime.dry_run import EdgeDecision, EdgeRequest

REJECTIONS = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "A request line may have 32 kB.",
    HTTPStatus.MISDIRECTED_REQUEST: 'TANDEM["EDGE"]["SERVER_NAMES"] lists the hosts it serves.',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_request_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Print what answers the URL; 1 when nothing is known to, or the wrong stack does."""
    # The rules are those of the whole project, for any role of this host.
    planned = plan_project(options, overrides=Overrides(roles=EVERY_ROLE))
    plan = planned.plan
    request = read_request(options, own_name=_own_name(plan))
    found = answers(request, planned)
    problems = [problem for each in found if (problem := _problem(each, request, plan))]
    if options.json:
        given = {"method": request.method, "target": request.target, "host": request.host}
        console.print_json(given | {"answers": [_as_json(each, request, plan) for each in found]})
        return 1 if problems else 0
    for each in found:
        if each.is_answered:
            _show(each, request, plan)
    for file in plan.edge.include.files:
        console.line_err(f'The directives of "{file}" are not taken into account.')
    for problem in problems:
        raise problem
    return 0


def _own_name(plan: Plan) -> str:
    """Return a host that the edge serves."""
    names = plan.edge.server_names
    # "*.shop.example" and ".shop.example" are names as well, to NGINX.
    plain = (name.replace("*", "any").lstrip(".") for name in names if name[0] != "~")
    return next(plain, DRY_RUN_HOST if names else "localhost")


def _show(answer: Answer, request: EdgeRequest, plan: Plan) -> None:
    kind = "WebSocket" if answer.decision.is_websocket else request.method
    console.line_out(f"{kind} {request.target}")
    rows = (_redirected(request, plan) | _found(answer) | _sent(answer, plan)).items()
    first, *rest = [(f"  {label}", text) for label, text in rows if text]
    for line in console.table_lines(first, rest):
        console.line_out(line)


def _redirected(request: EdgeRequest, plan: Plan) -> dict[str, str]:
    location = https_location(request, plan.edge)
    by = 'by TANDEM["EDGE"]["REDIRECT"]; that request is explained below'
    return {"redirect": f"308 to {location}, {by}"} if location else {}


def _found(answer: Answer) -> dict[str, str]:
    if answer.is_static:
        return {"stack": f"{answer.stack}: a static file, which Django serves while DEBUG is True"}
    if answer.redirect is not None:
        redirect = answer.redirect
        return {
            "stack": f"{answer.stack}: no pattern matches",
            "answer": f"{redirect.status} to {redirect.location}, by {redirect.middleware}",
        }
    if answer.verdict is None:
        return {}
    route = answer.verdict.route
    place = f" ({route.view.source})" if route.view.source else ""
    return {
        "route": route.pattern,
        "name": route.name or "",
        "view": f"{route.view.dotted}{place}",
        "stack": f"{answer.stack}: {answer.verdict.reason}",
    }


def _sent(answer: Answer, plan: Plan) -> dict[str, str]:
    decision = answer.decision
    version = ".".join(map(str, plan.edge.nginx.version))
    where = (
        f"sends it to {decision.stack}, {_why(decision, plan)}"
        if decision.stack
        else "serves the file"
    )
    removed = "the prefix" if decision.is_stripped else ""
    if decision.stack and _is_below(plan.edge.script_name, decision.target):
        removed = "FORCE_SCRIPT_NAME"
    handed = f"{decision.stack} hands it over to {answer.stack}" if answer.is_handed_over else ""
    return {
        "edge": f"NGINX {version} {where}",
        "regex": decision.rule.match.pcre if decision.rule and not decision.is_websocket else "",
        "as": f"{answer.path}, without {removed}" if removed else "",
        "then": handed,
    }


def _is_below(script_name: str, target: str) -> bool:
    path = target.partition("?")[0]
    return bool(script_name) and (path == script_name or path.startswith(f"{script_name}/"))


def _why(decision: EdgeDecision, plan: Plan) -> str:
    if decision.is_websocket:
        return "as every WebSocket"
    if decision.is_no_file:
        return "as there is no such file"
    if decision.rule is None:
        return "as no rule matches"
    return f"by rule {decision.number} of {len(plan.edge.rules)}: {decision.rule.origin}"


def _as_json(answer: Answer, request: EdgeRequest, plan: Plan) -> dict[str, Any]:
    decision, rule, found = answer.decision, answer.decision.rule, _found(answer)
    matched = rule and {
        "number": decision.number,
        "of": len(plan.edge.rules),
        "origin": rule.origin,
        "regex": rule.match.pcre,
    }
    return {
        "protocol": "websocket" if decision.is_websocket else "http",
        "path": answer.path,
        "route": found.get("route"),
        "name": found.get("name"),
        "view": found.get("view"),
        "stack": answer.stack,
        "reason": answer.verdict.reason if answer.verdict else None,
        "redirect": answer.redirect,
        "edge": {
            "nginx": ".".join(map(str, plan.edge.nginx.version)),
            "status": decision.status,
            "stack": decision.stack,
            "rule": None if decision.is_websocket else matched,
            "redirect": https_location(request, plan.edge),
        },
        "agrees": answer.agrees,
        "handed_over": answer.is_handed_over,
    }


def _problem(answer: Answer, request: EdgeRequest, plan: Plan) -> RefusedError | None:
    if answer.is_rejected:
        return _rejection(answer.decision.status, request)
    if not answer.is_answered:
        return _nothing(answer, plan)
    if answer.agrees or answer.is_handed_over:
        return None
    stack = answer.decision.stack
    return RefusedError(
        f'"{request.target}" belongs on {answer.belongs_on}, and {stack} answers it.',
        hint='TANDEM["HANDOVER"] would hand it over.',
    )


def _rejection(code: int, request: EdgeRequest) -> RefusedError:
    status = HTTPStatus(code)
    what = request.host if status is HTTPStatus.MISDIRECTED_REQUEST else request.target[:60]
    message = f'NGINX itself rejects "{what}", with {code} {status.phrase}.'
    return RefusedError(message, hint=REJECTIONS.get(status, "It is sent to neither stack."))


def _nothing(answer: Answer, plan: Plan) -> RefusedError:
    routes = "`tandem plan` lists the routes."
    if answer.decision.is_websocket:
        message = f'No WebSocket is routed at "{answer.path}": the handshake is answered with 404.'
        return RefusedError(message, hint=routes)
    for module, route, stack in elsewhere(answer.path, plan.project):
        return RefusedError(
            f'No pattern of ROOT_URLCONF matches "{answer.path}", on {answer.stack}.',
            hint=f"{module} has {route.pattern} (belongs on {stack}), for the requests to which "
            f"{', '.join(plan.project.urlconf_setters) or 'a middleware'} gives it.",
        )
    if plan.project.asgi_dispatcher:
        return RefusedError(
            f'No pattern of the URLconf matches "{answer.path}", on {answer.stack}.',
            hint=f"{plan.project.asgi_dispatcher} may answer it on ASGI: pin the path to ASGI if "
            f"it does. {routes}",
        )
    others = may_answer(each.dotted for each in plan.project.middleware)
    if others:
        return RefusedError(
            f'No pattern of the URLconf matches "{answer.path}", on {answer.stack}.',
            hint=f"A middleware may still answer: {', '.join(others)}. {routes}",
        )
    message = f'Nothing in this project answers "{answer.path}": it is a 404, from {answer.stack}.'
    return RefusedError(message, hint=routes)


def elsewhere(path: str, project: Project) -> Iterator[tuple[str, Route, Stack]]:
    """Yield what answers ``path`` in the URLconfs that a middleware may choose."""
    for other in project.other_urlconfs:
        route = resolve_http(path, other.routes, get_resolver(other.module))
        if route is not None:
            yield other.module, route, decide(route, ()).stack


HTTP_PORT, HTTPS_PORT = 80, 443
HOST = re.compile(r"(?P<bare>\[[^\]]*\]|[^:\[\]]+)(?P<port>:[0-9]*)?")
# As redirect.conf.j2 has it: these are answered by plain HTTP.
ANSWERED = re.compile(r"/\.well-known/acme-challenge/|/\.tandem/ready\Z")


def https_location(request: EdgeRequest, edge: Edge) -> str | None:
    """Return where the edge redirects ``request`` to, if its URL is one of plain HTTP."""
    host = HOST.fullmatch(request.host)
    if not (edge.redirects and request.is_plain_http and host):
        return None
    if ANSWERED.match(request.target.partition("?")[0]):
        return None
    # Without a port in the URL, the client has connected to port 80, which may be published.
    is_published = not host["port"] and all(bind.port != HTTP_PORT for bind in edge.redirects)
    has_port = edge.https_port != HTTPS_PORT and not is_published
    return f"https://{host['bare']}{f':{edge.https_port}' if has_port else ''}{request.target}"

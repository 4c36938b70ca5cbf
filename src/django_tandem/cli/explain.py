"""Explain one URL: its view, the stack, the reason, and the edge's rule that decides."""

import argparse
from http import HTTPStatus
from typing import Any

from django_tandem.cli import console, request
from django_tandem.cli.answers import Answer, answers
from django_tandem.cli.planning import plan_project
from django_tandem.errors import RefusedError
from django_tandem.model import Plan
from django_tandem.project.lookup import resolve_http
from django_tandem.render.state import state_of
from django_tandem.runtime.probe import Question, Said

REFUSALS = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "It takes a request line of at most 16 kB.",
    HTTPStatus.MISDIRECTED_REQUEST: 'TANDEM["EDGE"]["SERVER_NAMES"] names the hosts it answers.',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    request.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Print what answers the URL; 1 when nothing does, or a stack that it doesn't belong on."""
    planned = plan_project(options)
    plan = planned.plan
    asked = request.read(options, own_name=state_of(plan).server_name or "localhost")
    found = answers(asked, planned)
    problems = [problem for each in found if (problem := _problem(each, asked, plan))]
    if options.json:
        told = {"method": asked.method, "target": asked.target, "host": asked.host}
        console.as_json(told | {"answers": [_as_json(each, plan) for each in found]})
        return 1 if problems else 0
    for each in found:
        if each.is_file or each.verdict:
            _show(each, asked, plan)
    if plan.edge.include:
        console.line_err(f'NGINX was not asked for what "{plan.edge.include}" adds to it.')
    for problem in problems:
        raise problem
    return 0


def _show(answer: Answer, asked: Question, plan: Plan) -> None:
    kind = "WebSocket" if answer.said.is_websocket else asked.method
    console.line_out(f"{kind} {asked.target}")
    rows = (_found(answer) | _sent(answer, plan)).items()
    first, *rest = [(f"  {label}", text) for label, text in rows if text]
    console.table(first, rest)


def _found(answer: Answer) -> dict[str, str]:
    if answer.is_static:
        return {"stack": f"{answer.stack}: a static file, which Django serves while DEBUG is True"}
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
    said = answer.said
    version = ".".join(map(str, plan.edge.nginx.version))
    where = f"sends it to {said.stack}, {_why(said, plan)}" if said.stack else "serves the file"
    handed = f"{said.stack} hands it over to {answer.stack}" if answer.is_handed_over else ""
    return {
        "edge": f"NGINX {version} {where}",
        "regex": said.rule.match.pcre if said.rule and not said.is_websocket else "",
        "as": f"{answer.path}, without the prefix" if said.is_stripped else "",
        "then": handed,
    }


def _why(said: Said, plan: Plan) -> str:
    if said.is_websocket:
        return "as every WebSocket"
    if said.is_no_file:
        return "for no such file is there"
    if said.rule is None:
        return "for no rule matches"
    return f"by rule {said.number} of {len(plan.edge.rules)}: {said.rule.origin}"


def _as_json(answer: Answer, plan: Plan) -> dict[str, Any]:
    said, rule, found = answer.said, answer.said.rule, _found(answer)
    matched = rule and {
        "number": said.number,
        "of": len(plan.edge.rules),
        "origin": rule.origin,
        "regex": rule.match.pcre,
    }
    return {
        "protocol": "websocket" if said.is_websocket else "http",
        "path": answer.path,
        "route": found.get("route"),
        "name": found.get("name"),
        "view": found.get("view"),
        "stack": answer.stack,
        "reason": answer.verdict.reason if answer.verdict else None,
        "edge": {
            "nginx": ".".join(map(str, plan.edge.nginx.version)),
            "status": said.status,
            "stack": said.stack,
            "rule": None if said.is_websocket else matched,
        },
        "agrees": answer.agrees,
        "handed_over": answer.is_handed_over,
    }


def _problem(answer: Answer, asked: Question, plan: Plan) -> RefusedError | None:
    if answer.is_refused:
        return _refusal(answer.said.status, asked)
    if answer.verdict is None and not answer.is_file:
        return _nothing(answer, plan)
    if answer.agrees or answer.is_handed_over:
        return None
    return RefusedError(
        f'"{asked.target}" belongs on {answer.belongs_on}, and {answer.said.stack} answers it.',
        hint='With TANDEM["HANDOVER"] it would be handed over.',
    )


def _refusal(code: int, asked: Question) -> RefusedError:
    status = HTTPStatus(code)
    what = asked.host if status is HTTPStatus.MISDIRECTED_REQUEST else asked.target[:60]
    told = f'NGINX itself refuses "{what}", with {code} {status.phrase}.'
    return RefusedError(told, hint=REFUSALS.get(status, "Neither stack is asked."))


def _nothing(answer: Answer, plan: Plan) -> RefusedError:
    known = "`tandem plan` lists the routes there are."
    if answer.said.is_websocket:
        told = f'No WebSocket is routed at "{answer.path}": the handshake is refused with 404.'
        return RefusedError(told, hint=known)
    told = f'Nothing in this project answers "{answer.path}"'
    if resolve_http(f"{answer.path}/", plan.project.routes):
        return RefusedError(f"{told}.", hint=f'Did you mean "{answer.path}/"?')
    return RefusedError(f"{told}: it is a 404, from {answer.stack}.", hint=known)

"""Explain one URL: its view, the stack, the reason, and the edge's rule that decides."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from django_tandem.cli import console, request
from django_tandem.cli.planning import Planned, plan_project
from django_tandem.cli.request import UPGRADE
from django_tandem.errors import RefusedError
from django_tandem.model import Plan, Protocol, Route, Stack, Verdict
from django_tandem.project.lookup import is_static, path_of, resolve_http, resolve_websocket
from django_tandem.render.state import state_of
from django_tandem.routing.policy import decide
from django_tandem.runtime.dry_run import EdgeDecision, EdgeRequest, Evaluate, dry_run

REFUSALS = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "It takes a request line of at most 16 kB.",
    HTTPStatus.MISDIRECTED_REQUEST: 'TANDEM["EDGE"]["SERVER_NAMES"] names the hosts it answers.',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    Who answers one request.

    ``path`` is what Django and Channels resolve, and ``verdict`` that of the route it leads to,
    if any. ``belongs_on`` is where that would best be served. ``can_hand_over`` says that a
    stack may hand the request over to the other, and ``is_static`` that with DEBUG it is an
    app's file, which WSGI serves.
    """

    decision: EdgeDecision
    path: str
    verdict: Verdict | None
    belongs_on: Stack | None
    can_hand_over: bool
    is_static: bool = False

    @property
    def is_file(self) -> bool:
        """Whether a file is served, and no view is asked."""
        return self.is_static or (self.decision.stack is None and self.decision.status < 400)

    @property
    def is_refused(self) -> bool:
        """Whether the edge refuses the request by itself."""
        return self.decision.stack is None and not self.is_file

    @property
    def agrees(self) -> bool:
        """Whether the edge sends the request where its route belongs."""
        return self.belongs_on in (None, self.decision.stack)

    @property
    def is_handed_over(self) -> bool:
        """Whether the stack that is asked first hands the request over."""
        return not self.agrees and self.can_hand_over

    @property
    def stack(self) -> Stack | None:
        """The stack that answers in the end."""
        return self.belongs_on if self.is_handed_over else self.decision.stack


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


def _show(answer: Answer, asked: EdgeRequest, plan: Plan) -> None:
    kind = "WebSocket" if answer.decision.is_websocket else asked.method
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
    decision = answer.decision
    version = ".".join(map(str, plan.edge.nginx.version))
    where = (
        f"sends it to {decision.stack}, {_why(decision, plan)}"
        if decision.stack
        else "serves the file"
    )
    handed = f"{decision.stack} hands it over to {answer.stack}" if answer.is_handed_over else ""
    return {
        "edge": f"NGINX {version} {where}",
        "regex": decision.rule.match.pcre if decision.rule and not decision.is_websocket else "",
        "as": f"{answer.path}, without the prefix" if decision.is_stripped else "",
        "then": handed,
    }


def _why(decision: EdgeDecision, plan: Plan) -> str:
    if decision.is_websocket:
        return "as every WebSocket"
    if decision.is_no_file:
        return "for no such file is there"
    if decision.rule is None:
        return "for no rule matches"
    return f"by rule {decision.number} of {len(plan.edge.rules)}: {decision.rule.origin}"


def _as_json(answer: Answer, plan: Plan) -> dict[str, Any]:
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
        "edge": {
            "nginx": ".".join(map(str, plan.edge.nginx.version)),
            "status": decision.status,
            "stack": decision.stack,
            "rule": None if decision.is_websocket else matched,
        },
        "agrees": answer.agrees,
        "handed_over": answer.is_handed_over,
    }


def _problem(answer: Answer, asked: EdgeRequest, plan: Plan) -> RefusedError | None:
    if answer.is_refused:
        return _refusal(answer.decision.status, asked)
    if answer.verdict is None and not answer.is_file:
        return _nothing(answer, plan)
    if answer.agrees or answer.is_handed_over:
        return None
    return RefusedError(
        f'"{asked.target}" belongs on {answer.belongs_on}, and {answer.decision.stack} answers it.',
        hint='With TANDEM["HANDOVER"] it would be handed over.',
    )


def _refusal(code: int, asked: EdgeRequest) -> RefusedError:
    status = HTTPStatus(code)
    what = asked.host if status is HTTPStatus.MISDIRECTED_REQUEST else asked.target[:60]
    told = f'NGINX itself refuses "{what}", with {code} {status.phrase}.'
    return RefusedError(told, hint=REFUSALS.get(status, "Neither stack is asked."))


def _nothing(answer: Answer, plan: Plan) -> RefusedError:
    known = "`tandem plan` lists the routes there are."
    if answer.decision.is_websocket:
        told = f'No WebSocket is routed at "{answer.path}": the handshake is refused with 404.'
        return RefusedError(told, hint=known)
    told = f'Nothing in this project answers "{answer.path}"'
    if resolve_http(f"{answer.path}/", plan.project.routes):
        return RefusedError(f"{told}.", hint=f'Did you mean "{answer.path}/"?')
    return RefusedError(f"{told}: it is a 404, from {answer.stack}.", hint=known)


def answers(question: EdgeRequest, planned: Planned) -> list[Answer]:
    """
    Return what answers the ``question``, and the WebSocket on the same path when there is one.

    A question that is a handshake, or names another upgrade, has one answer.
    """
    with dry_run(planned.plan) as evaluate:
        found = list(_answers(question, planned, evaluate))
    # A path that only a WebSocket answers is asked for without a handshake by nobody.
    is_nothing = found[0].verdict is None and not found[0].is_file
    return found[1:] if is_nothing and len(found) > 1 else found


def _answers(question: EdgeRequest, planned: Planned, evaluate: Evaluate) -> Iterator[Answer]:
    yield _answer(evaluate(question), planned)
    if UPGRADE[0].lower() in {name.lower() for name, _ in question.headers}:
        return
    handshake = replace(question, method="GET", headers=(*question.headers, UPGRADE))
    beside = _answer(evaluate(handshake), planned)
    if beside.decision.is_websocket and beside.verdict is not None:
        yield beside


def _answer(decision: EdgeDecision, planned: Planned) -> Answer:
    path = path_of(decision.target)
    is_debug = planned.plan.project.static_in_debug and decision.stack is Stack.WSGI
    if is_debug and is_static(path):
        return Answer(
            decision=decision,
            path=path,
            verdict=None,
            belongs_on=None,
            can_hand_over=False,
            is_static=True,
        )
    route = _route(path, decision, planned) if decision.stack else None
    verdict = next((each for each in planned.plan.verdicts if each.route == route), None)
    return Answer(
        decision=decision,
        path=path,
        verdict=verdict,
        belongs_on=_belongs_on(path, verdict, decision, planned) if verdict else None,
        can_hand_over=planned.plan.edge.handover and not decision.is_stripped,
    )


def _route(path: str, decision: EdgeDecision, planned: Planned) -> Route | None:
    routes = planned.plan.project.routes
    if decision.is_websocket:
        return resolve_websocket(path, routes, planned.loaded.application)
    beside = (
        route
        for route in routes
        if route.protocol is Protocol.HTTP and not route.by_django and decision.stack is Stack.ASGI
    )
    # Channels asks its own before Django's; of these only the edge can be asked.
    own = (route for route in beside if decision.rule and decision.rule.match == route.match)
    return next(own, None) or resolve_http(path, routes)


def _belongs_on(
    path: str, verdict: Verdict, decision: EdgeDecision, planned: Planned
) -> Stack | None:
    # What was stripped stays where it is: the other stack would be asked for another path.
    if decision.is_websocket or decision.is_stripped:
        return decision.stack
    settings = planned.loaded.settings
    return decide(verdict.route, settings.routes, path=path, handover=settings.handover).stack

"""What answers one request: the edge's decision, and the route behind it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.conf import settings as django_settings

from django_tandem.cli.planning import Planned
from django_tandem.cli.request import UPGRADE
from django_tandem.model import Protocol, Route, Stack, Verdict
from django_tandem.project.lookup import (
    Redirect,
    is_static,
    path_of,
    redirect_of,
    resolve_http,
    resolve_websocket,
)
from django_tandem.routing.policy import decide
from django_tandem.runtime.dry_run import EdgeDecision, EdgeRequest, Evaluate, dry_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What answers one request.

    ``path`` is what Django and Channels resolve, and ``verdict`` that of the route that matches,
    if any. ``belongs_on`` is the stack of that route. ``can_hand_over`` is true when a stack may
    hand the request over to the other, ``is_static`` when Django serves an app's file with DEBUG.
    ``redirect`` is what Django's middleware answers where no pattern matches.
    """

    decision: EdgeDecision
    path: str
    verdict: Verdict | None
    belongs_on: Stack | None
    can_hand_over: bool
    is_static: bool = False
    redirect: Redirect | None = None

    @property
    def is_answered(self) -> bool:
        """Whether a file, a view or a redirect is known to answer."""
        return self.is_file or self.verdict is not None or self.redirect is not None

    @property
    def is_file(self) -> bool:
        """Whether a file is served, and no view runs."""
        return self.is_static or (self.decision.stack is None and self.decision.status < 400)

    @property
    def is_rejected(self) -> bool:
        """Whether the edge rejects the request itself."""
        return self.decision.stack is None and not self.is_file

    @property
    def agrees(self) -> bool:
        """Whether the edge sends the request where its route belongs."""
        return self.belongs_on in (None, self.decision.stack)

    @property
    def is_handed_over(self) -> bool:
        """Whether the first stack hands the request over."""
        return not self.agrees and self.can_hand_over

    @property
    def stack(self) -> Stack | None:
        """The stack that answers."""
        return self.belongs_on if self.is_handed_over else self.decision.stack


def answers(request: EdgeRequest, planned: Planned) -> list[Answer]:
    """
    Return what answers ``request``, and the WebSocket on the same path when there is one.

    A request with an Upgrade header has one answer.
    """
    with dry_run(planned.plan) as evaluate:
        found = list(_answers(request, planned, evaluate))
    # No client requests a path that only a WebSocket answers without a handshake.
    return found[1:] if len(found) > 1 and not found[0].is_answered else found


def _answers(request: EdgeRequest, planned: Planned, evaluate: Evaluate) -> Iterator[Answer]:
    yield _answer(request, evaluate(request), planned)
    if UPGRADE[0].lower() in {name.lower() for name, _ in request.headers}:
        return
    handshake = replace(request, method="GET", headers=(*request.headers, UPGRADE))
    beside = _answer(handshake, evaluate(handshake), planned)
    if beside.decision.is_websocket and beside.verdict is not None:
        yield beside


def _answer(request: EdgeRequest, decision: EdgeDecision, planned: Planned) -> Answer:
    path = path_of(decision.target)
    is_debug = planned.plan.project.static_in_debug and decision.stack is not None
    if is_debug and not decision.is_websocket and is_static(path):
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
        redirect=_redirect(request, decision) if route is None and decision.stack else None,
    )


def _redirect(request: EdgeRequest, decision: EdgeDecision) -> Redirect | None:
    if decision.is_websocket:
        return None
    target, _, query = decision.target.partition("?")
    script_name = (django_settings.FORCE_SCRIPT_NAME or "").rstrip("/")
    headers = {"Host": request.host, **dict(request.headers)}
    return redirect_of(request.method, target.removeprefix(script_name), query, headers)


def _route(path: str, decision: EdgeDecision, planned: Planned) -> Route | None:
    routes = planned.plan.project.routes
    if decision.is_websocket:
        return resolve_websocket(path, routes, planned.loaded.application)
    beside = (
        route
        for route in routes
        if route.protocol is Protocol.HTTP and not route.by_django and decision.stack is Stack.ASGI
    )
    # Channels tries its own before Django's; only the edge evaluates these.
    own = (route for route in beside if decision.rule and decision.rule.match == route.match)
    return next(own, None) or resolve_http(path, routes)


def _belongs_on(
    path: str, verdict: Verdict, decision: EdgeDecision, planned: Planned
) -> Stack | None:
    # A stripped request is not handed over: the other stack would get another path.
    if decision.is_websocket or decision.is_stripped:
        return decision.stack
    settings = planned.loaded.settings
    return decide(verdict.route, settings.routes, path=path, handover=settings.handover).stack

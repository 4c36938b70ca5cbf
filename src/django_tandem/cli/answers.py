"""What answers a request: the resolver's word, NGINX's word, and what comes of the two."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from django_tandem.cli.planning import Planned
from django_tandem.model import Protocol, Route, Stack, Verdict
from django_tandem.project.lookup import is_static, path_of, resolve_http, resolve_websocket
from django_tandem.routing.rules import holds
from django_tandem.runtime.probe import Ask, Question, Said, asking

UPGRADE = ("Upgrade", "websocket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    Who answers one request.

    ``path`` is what Django and Channels resolve, and ``verdict`` that of the route it leads to,
    if any. ``belongs_on`` is where that would best be served. ``can_hand_over`` says that a
    stack may hand the request over to the other, and ``is_static`` that with DEBUG it is an
    app's file, which WSGI serves.
    """

    said: Said
    path: str
    verdict: Verdict | None
    belongs_on: Stack | None
    can_hand_over: bool
    is_static: bool = False

    @property
    def is_file(self) -> bool:
        """Whether a file is served, and no view is asked."""
        return self.is_static or (self.said.stack is None and self.said.status < 400)

    @property
    def is_refused(self) -> bool:
        """Whether the edge refuses the request by itself."""
        return self.said.stack is None and not self.is_file

    @property
    def agrees(self) -> bool:
        """Whether the edge sends the request where its route belongs."""
        return self.belongs_on in (None, self.said.stack)

    @property
    def is_handed_over(self) -> bool:
        """Whether the stack that is asked first hands the request over."""
        return not self.agrees and self.can_hand_over

    @property
    def stack(self) -> Stack | None:
        """The stack that answers in the end."""
        return self.belongs_on if self.is_handed_over else self.said.stack


def answers(question: Question, planned: Planned) -> list[Answer]:
    """
    Return what answers the ``question``, and the WebSocket on the same path when there is one.

    A question that is a handshake, or names another upgrade, has one answer.
    """
    with asking(planned.plan) as ask:
        found = list(_answers(question, planned, ask))
    # A path that only a WebSocket answers is asked for without a handshake by nobody.
    is_nothing = found[0].verdict is None and not found[0].is_file
    return found[1:] if is_nothing and len(found) > 1 else found


def _answers(question: Question, planned: Planned, ask: Ask) -> Iterator[Answer]:
    yield _answer(ask(question), planned)
    if UPGRADE[0].lower() in {name.lower() for name, _ in question.headers}:
        return
    handshake = replace(question, method="GET", headers=(*question.headers, UPGRADE))
    beside = _answer(ask(handshake), planned)
    if beside.said.is_websocket and beside.verdict is not None:
        yield beside


def _answer(said: Said, planned: Planned) -> Answer:
    path = path_of(said.target)
    is_debug = planned.plan.project.static_in_debug and said.stack is Stack.WSGI
    if is_debug and is_static(path):
        return Answer(
            said=said, path=path, verdict=None, belongs_on=None, can_hand_over=False, is_static=True
        )
    route = _route(path, said, planned) if said.stack else None
    verdict = next((each for each in planned.plan.verdicts if each.route == route), None)
    return Answer(
        said=said,
        path=path,
        verdict=verdict,
        belongs_on=_belongs_on(path, verdict, said, planned) if verdict else None,
        can_hand_over=planned.plan.edge.handover and not said.is_stripped,
    )


def _route(path: str, said: Said, planned: Planned) -> Route | None:
    routes = planned.plan.project.routes
    if said.is_websocket:
        return resolve_websocket(path, routes, planned.application)
    beside = (
        route
        for route in routes
        if route.protocol is Protocol.HTTP and not route.by_django and said.stack is Stack.ASGI
    )
    # Channels asks its own before Django's; of these only the edge can be asked.
    own = (route for route in beside if said.rule and said.rule.match == route.match)
    return next(own, None) or resolve_http(path, routes)


def _belongs_on(path: str, verdict: Verdict, said: Said, planned: Planned) -> Stack | None:
    # What was stripped stays where it is: the other stack would be asked for another path.
    if said.is_websocket or said.is_stripped:
        return said.stack
    # The plan asks a pin by the route, a served process by the path too; the first that holds wins.
    for pin in planned.settings.routes:
        if holds(pin, verdict.route):
            break
        if pin.holds_for(path):
            return pin.stack
    return verdict.stack

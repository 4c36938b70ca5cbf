"""A URL as a person writes it → the request, and what answers it: the edge, and a route."""

import argparse
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from django.conf import settings as django_settings

from django_tandem.cli.planning import Planned
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

UPGRADE = ("Upgrade", "websocket")

# A client sends neither the fragment nor the user info before an @.
URL = re.compile(r"(?:(?P<scheme>[A-Za-z]+)://(?:[^/?#]*@)?(?P<host>[^/?#]*))?(?P<target>[^#]*)")
HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x1f\x7f]*)")
METHOD = re.compile(r"[A-Za-z-]+")
# The characters that a request line may have; the rest is percent-encoded, as by a browser.
AS_TYPED = "".join(map(chr, range(0x21, 0x7F)))


def add_request_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that describe the request."""
    parser.add_argument("url", type=_url, metavar="URL", help="a path, or a whole URL")
    parser.add_argument("--method", type=_method, default="GET", help="GET when it is left out")
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        type=_header,
        dest="headers",
        metavar='"NAME: VALUE"',
        help='such as "Upgrade: websocket"; may be given more than once',
    )


def read_request(options: argparse.Namespace, *, own_name: str) -> EdgeRequest:
    """Return the request; its host is ``own_name`` unless the URL or a header names another."""
    found = URL.match(options.url)
    scheme, host, given = found.groups() if found else (None, None, options.url)
    target = quote(os.fsencode(given), safe=AS_TYPED)
    hosts = [own_name, host, *(value for name, value in options.headers if _is_host(name))]
    headers = [(name, value) for name, value in options.headers if not _is_host(name)]
    scheme = (scheme or "").lower()
    if scheme in {"ws", "wss"}:
        headers.append(UPGRADE)
    return EdgeRequest(
        method=options.method,
        target=target if target.startswith("/") else f"/{target}",
        host=[name for name in hosts if name][-1],
        headers=tuple(headers),
        is_plain_http=scheme in {"http", "ws"},
    )


def _is_host(name: str) -> bool:
    return name.lower() == "host"


def _url(text: str) -> str:
    found = URL.match(text)
    try:
        # Its host may be an IPv6 address, which has both brackets.
        urlsplit(f"//{(found and found['host']) or ''}")
    except ValueError:
        raise argparse.ArgumentTypeError(f'Expected a path or a URL, got "{text}".') from None
    return text


def _method(text: str) -> str:
    if METHOD.fullmatch(text):
        return text.upper()
    raise argparse.ArgumentTypeError(f'Expected a method, such as POST, got "{text}".')


def _header(text: str) -> tuple[str, str]:
    found = HEADER.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f'Expected a header, such as "Upgrade: websocket", got "{text}".'
        )
    return found[1], found[2].rstrip()


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
    websocket = _answer(handshake, evaluate(handshake), planned)
    if websocket.decision.is_websocket and websocket.verdict is not None:
        yield websocket


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
    outer = (
        route
        for route in routes
        if route.protocol is Protocol.HTTP and not route.by_django and decision.stack is Stack.ASGI
    )
    # Channels tries its own before Django's; only the edge evaluates these.
    own = (route for route in outer if decision.rule and decision.rule.match == route.match)
    return next(own, None) or resolve_http(path, routes)


def _belongs_on(
    path: str, verdict: Verdict, decision: EdgeDecision, planned: Planned
) -> Stack | None:
    # A stripped request is not handed over: the other stack would get another path.
    if decision.is_websocket or decision.is_stripped:
        return decision.stack
    settings = planned.loaded.settings
    return decide(verdict.route, settings.routes, path=path, handover=settings.handover).stack

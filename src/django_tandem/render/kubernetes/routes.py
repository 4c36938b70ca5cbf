"""The HTTPRoutes that requests enter by: all to the edge, or by the plan's rules to the stacks."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django_tandem.inprocess.handover import HANDED_HEADER
from django_tandem.inprocess.proxy_headers import EDGE_HEADER
from django_tandem.model import File, Role, Stack
from django_tandem.render.kubernetes.application import Application, Parent
from django_tandem.render.kubernetes.lowering import GatewayMatch, lower
from django_tandem.render.kubernetes.workloads import stack_service
from django_tandem.render.nginx import UNTRUSTED_HEADERS
from django_tandem.render.target import fill

# Of an HTTPRoute, in each version of the Gateway API: since 1.2, a rule has up to 64 matches.
MOST_RULES = 16
MOST_MATCHES = 8
# Headers with which a client would pass for the edge, or for another client. A filter has 16.
REMOVED_HEADERS = (*UNTRUSTED_HEADERS, EDGE_HEADER.title(), HANDED_HEADER.title())

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRule:
    """A rule of an HTTPRoute; several ``matches`` have one stack, and pass the path unchanged."""

    matches: tuple[GatewayMatch, ...]

    @property
    def stack(self) -> Stack:
        """The stack that gets what it matches."""
        return self.matches[0].stack

    @property
    def rewrite(self) -> tuple[str, str] | None:
        """The type of its rewrite, and what replaces the path or the prefix."""
        match = self.matches[0]
        if match.replacement is None:
            return None
        kind = "ReplacePrefixMatch" if match.path.is_prefix else "ReplaceFullPath"
        return kind, match.replacement


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendRef:
    """The Service of a stack, and how many seconds a request to it may take: 0 for any number."""

    name: str
    port: int
    timeout_s: int = 0


def http_routes(matches: Iterable[GatewayMatch]) -> tuple[tuple[RouteRule, ...], ...]:
    """
    Return the rules of each HTTPRoute.

    Their order has no meaning: the most specific match of all HTTPRoutes wins.
    """
    return tuple(_parts(tuple(_rules(matches)), MOST_RULES))


def _rules(matches: Iterable[GatewayMatch]) -> Iterator[RouteRule]:
    plain: dict[Stack, list[GatewayMatch]] = {stack: [] for stack in Stack}
    for match in matches:
        if match.replacement is None:
            plain[match.stack].append(match)
        else:
            # A prefix can be replaced in a rule of one match alone.
            yield RouteRule(matches=(match,))
    for of_stack in plain.values():
        for part in _parts(of_stack, MOST_MATCHES):
            yield RouteRule(matches=part)


def _parts(items: Sequence[T], most: int) -> Iterator[tuple[T, ...]]:
    for start in range(0, len(items), most):
        yield tuple(items[start : start + most])


def render_routes(
    matches: Iterable[GatewayMatch],
    *,
    name: str,
    labels: Mapping[str, str],
    parent: Parent,
    hosts: Sequence[str],
    backends: Mapping[Stack, BackendRef],
) -> str:
    """Return the YAML of the HTTPRoutes; the first has the ``name``, the others a number behind."""
    return fill(
        "kubernetes/direct.yaml.j2",
        routes=http_routes(matches),
        name=name,
        labels=labels,
        parent=parent,
        hosts=hosts,
        backends=backends,
        removed_headers=REMOVED_HEADERS,
    )


FILE = "base/route.yaml"

_EXACT = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")


def files(app: Application) -> tuple[File, ...]:
    """Return the HTTPRoutes; none where TANDEM["KUBERNETES"] names no Gateway."""
    if app.parent is None:
        return ()
    return (_to_the_stacks(app, app.parent) if app.is_direct else _to_the_edge(app, app.parent),)


def _to_the_edge(app: Application, parent: Parent) -> File:
    content = fill(
        "kubernetes/route.yaml.j2",
        app=app,
        parent=parent,
        hosts=hosts(app),
        service=f"{app.name}-{Role.EDGE}",
    )
    return File(name=FILE, content=content)


def _to_the_stacks(app: Application, parent: Parent) -> File:
    content = render_routes(
        lower(app.plan).matches,
        name=app.name,
        labels={"app.kubernetes.io/name": app.name},
        parent=parent,
        hosts=hosts(app),
        backends={stack: _backend(app, stack) for stack in app.plan.edge.stacks},
    )
    return File(name=FILE, content=content)


def _backend(app: Application, stack: Stack) -> BackendRef:
    service = stack_service(app, stack)
    timeout_s = app.plan.edge.read_timeout_s if stack is Stack.WSGI else 0
    return BackendRef(name=service.name, port=service.port, timeout_s=timeout_s)


def hosts(app: Application) -> tuple[str, ...]:
    """Return the host names of an HTTPRoute: those of the edge; any, where it can't say them."""
    found = [host for name in app.plan.edge.server_names for host in _hosts(name.lower())]
    return tuple(dict.fromkeys(found)) if all(found) else ()


def _hosts(name: str) -> tuple[str, ...]:
    # NGINX's ".shop.example" is the name itself, and every one below it.
    if name.startswith("."):
        return (name[1:], f"*{name}")
    plain = name.removeprefix("*.")
    return (name,) if _EXACT.fullmatch(plain) else ("",)

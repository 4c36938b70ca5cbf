"""The HTTPRoutes of the gateway `direct`: the lowered matches, within the limits of the API."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django_tandem.inprocess.handover import HANDED_HEADER
from django_tandem.inprocess.proxy_headers import EDGE_HEADER
from django_tandem.model import Stack
from django_tandem.render.kubernetes.application import Parent
from django_tandem.render.kubernetes.lowering import GatewayMatch
from django_tandem.render.nginx import UNTRUSTED_HEADERS
from django_tandem.render.target import fill

# Of an HTTPRoute, in each version of the Gateway API: since 1.2, a rule has up to 64 matches.
MOST_RULES = 16
MOST_MATCHES = 8
# Headers by which a client would pass for the edge, or for another client. A filter has 16.
REMOVED_HEADERS = (*UNTRUSTED_HEADERS, EDGE_HEADER.title(), HANDED_HEADER.title())

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRule:
    """A rule of an HTTPRoute; several ``matches`` have one stack, and the path as it is."""

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

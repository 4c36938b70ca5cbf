"""What a gateway without our rules costs: which rules are widened, and what goes along."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from django_tandem.model import Plan, Protocol, Stack
from django_tandem.project.regex.prefixes import LiteralPrefix, literal_prefixes
from django_tandem.render.kubernetes.first_match import all_verdicts
from django_tandem.render.kubernetes.gateway_path import (
    GatewayPath,
    covering_prefix,
    prefixes_over,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WsgiRoute:
    """A route whose verdict is WSGI; each of its paths begins with one of the ``prefixes``."""

    pattern: str
    prefixes: tuple[LiteralPrefix, ...]

    @property
    def parents(self) -> set[str]:
        """The paths of the gateway's prefixes that cover some of its paths."""
        return {
            each.path
            for prefix in self.prefixes
            for each in prefixes_over(prefix.text.rpartition("/")[0] or "/")
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LoweredRule:
    """
    A rule for ASGI, and the paths that it became.

    ``origin`` is its pattern or its pin. It is exact when no other path goes to ASGI because of
    it. ``wsgi_routes`` are the patterns of the routes of WSGI that ASGI then serves.
    """

    origin: str
    paths: tuple[GatewayPath, ...]
    is_exact: bool
    wsgi_routes: tuple[str, ...] = ()


def wsgi_routes(plan: Plan) -> tuple[WsgiRoute, ...]:
    """Return the routes of WSGI in all URLconfs, each pattern once."""
    found = {
        each.route.pattern: each.route
        for verdicts in all_verdicts(plan)
        for each in verdicts
        if each.stack is Stack.WSGI and each.route.protocol is Protocol.HTTP
    }
    return tuple(
        WsgiRoute(pattern=pattern, prefixes=literal_prefixes(route.match))
        for pattern, route in found.items()
    )


def taken_routes(
    routes: Iterable[WsgiRoute], asgi: Set[GatewayPath], wsgi: Set[GatewayPath]
) -> dict[GatewayPath, list[str]]:
    """Return the patterns of ``routes`` whose every path ``asgi`` has, by what covers them."""
    taken: dict[GatewayPath, list[str]] = {}
    for route in routes:
        found = [covering_prefix(prefix, asgi | wsgi) for prefix in route.prefixes]
        paths = {path for path in found if path is not None and path in asgi}
        if len(paths) == len({*found}):
            for path in paths:
                taken.setdefault(path, []).append(route.pattern)
    return taken


def report_lines(rules: Iterable[LoweredRule], routes: Iterable[WsgiRoute]) -> Iterator[str]:
    """Yield the lines of a report on what the gateway does with the rules for ASGI."""
    rules = tuple(rules)
    exact = sum(rule.is_exact for rule in rules)
    taken = {pattern for rule in rules for pattern in rule.wsgi_routes}
    yield (
        f"Rules for ASGI: {len(rules)}, of which {exact} exact and {len(rules) - exact} widened. "
        f"ASGI also serves {len(taken)} of the {len(tuple(routes))} routes of WSGI."
    )
    for rule in rules:
        if not rule.is_exact:
            paths = ", ".join(map(str, rule.paths))
            yield f"  {rule.origin} is widened to {paths}{_with(rule.wsgi_routes)}"


def _with(patterns: tuple[str, ...]) -> str:
    if not patterns:
        return "."
    shown = ", ".join(patterns[:3]) + (", …" if len(patterns) > 3 else "")
    return f", with {len(patterns)} of WSGI: {shown}"

"""
The plan's rules, lowered to what each gateway of the Gateway API can match.

That is one path, or a prefix by segments, and a header. The most specific match wins there, and
the first one in Django. What can't be expressed is widened to a prefix for ASGI, which serves the
views of both stacks: WSGI can't serve a stream, and no gateway replays a handover.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from django_tandem.errors import SettingError
from django_tandem.model import EdgeRule, Plan, Stack
from django_tandem.project.regex.prefixes import LiteralPrefix
from django_tandem.render.kubernetes.first_match import Table, covers_all_below, tables
from django_tandem.render.kubernetes.gateway_path import (
    EVERYTHING,
    GatewayPath,
    covering,
    gateway_path,
    gateway_paths,
)
from django_tandem.render.kubernetes.widening import (
    LoweredRule,
    WsgiRoute,
    taken_routes,
    wsgi_routes,
)

# Four HTTPRoutes hold them all, with fewer than a handful of pins that strip their prefix.
MOST_ASGI_PATHS = 256
MOST_EXCEPTIONS = 64
# RFC 6455 ignores the case of this value and the API does not; clients write these two.
UPGRADES = ("websocket", "WebSocket")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayMatch:
    """
    Requests for ``path`` go to ``stack``; with ``upgrade``, those with that Upgrade header alone.

    ``replacement`` is what the stack gets for the path, or for the prefix, None for the same.
    """

    path: GatewayPath
    stack: Stack
    upgrade: str | None = None
    replacement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """
    The matches of a gateway, and what became of each rule for ASGI.

    ``wsgi_routes`` are the routes whose verdict is WSGI.
    """

    matches: tuple[GatewayMatch, ...]
    rules: tuple[LoweredRule, ...] = ()
    wsgi_routes: tuple[WsgiRoute, ...] = ()


def lower(plan: Plan) -> Lowered:
    """
    Return matches that send each request for ASGI there, and few other requests.

    Raises SettingError for a prefix that the Gateway API can't match, and would have to.
    """
    base, wsgi = plan.edge.script_name, wsgi_routes(plan)
    _check_prefix(base, "FORCE_SCRIPT_NAME is")
    if not plan.edge.has_asgi:
        default = GatewayMatch(path=EVERYTHING.below(base), stack=Stack.WSGI)
        return Lowered(matches=(default,), wsgi_routes=wsgi)
    known, stripped = tables(plan), _stripped(plan.edge.stripped_prefixes)
    wanted = _wanted(known)
    every = {path for paths in wanted.values() for path in paths}
    on_asgi = fit(without_covered({*every, *stripped}) - {*stripped}, wsgi, MOST_ASGI_PATHS)
    on_wsgi = _exceptions(known, {*on_asgi, *stripped})
    bare = {GatewayPath(path=each.path) for each in on_wsgi if each.is_prefix}
    on_asgi |= {each for each in bare if _may_be_asgi(known, each)}
    gateway = _Gateway(base=base, on_asgi=on_asgi, stripped=stripped, on_wsgi=on_wsgi)
    return Lowered(
        matches=tuple(gateway.matches()),
        rules=tuple(gateway.rules(wanted, wsgi)),
        wsgi_routes=wsgi,
    )


def _stripped(prefixes: Iterable[str]) -> tuple[GatewayPath, ...]:
    # To strip "/" is to pass the path unchanged.
    known = [each for each in prefixes if each != "/"]
    for each in known:
        _check_prefix(each.rstrip("/"), 'TANDEM["ROUTES"] strips')
    return tuple(gateway_path(LiteralPrefix(text=each)) for each in known)


def _check_prefix(prefix: str, subject: str) -> None:
    if gateway_path(LiteralPrefix(text=f"{prefix}/")).path != (prefix or "/"):
        raise SettingError(
            f'{subject} "{prefix}", which a gateway can\'t match.',
            hint="Use letters, digits and -._~ alone, or the gateway `edge`.",
        )


def _wanted(known: Sequence[Table]) -> dict[EdgeRule, tuple[GatewayPath, ...]]:
    """Return the paths of each rule for ASGI that decides one."""
    wanted = {
        rule: tuple(
            path
            for path in gateway_paths(rule.match)
            if path.is_prefix or table.may_be_asgi(path.path)
        )
        for table in known
        for rule in table.rules
        if rule.stack is Stack.ASGI
    }
    return {rule: paths for rule, paths in wanted.items() if paths}


def without_covered(paths: Set[GatewayPath]) -> set[GatewayPath]:
    """Return those of ``paths`` that no other one covers."""
    return {path for path in paths if covering(path, paths - {path}) is None}


def fit(paths: set[GatewayPath], wsgi: Iterable[WsgiRoute], most: int) -> set[GatewayPath]:
    """
    Merge ``paths`` to prefixes until there are at most ``most``.

    The prefixes that take the fewest routes from WSGI come first, and the longest of those.
    """
    if len(paths) <= most:
        return paths
    below = Counter(parent for path in paths for parent in path.parents)
    costs = Counter(parent for route in wsgi for parent in route.parents)
    several = (parent for parent, count in below.items() if count > 1)
    for parent in sorted(several, key=lambda each: (costs[each], -each.count("/"), each)):
        wide = GatewayPath(path=parent, is_prefix=True)
        paths = {wide, *(path for path in paths if not wide.covers(path))}
        if len(paths) <= most:
            break
    return paths


def _exceptions(known: Sequence[Table], on_asgi: Set[GatewayPath]) -> tuple[GatewayPath, ...]:
    """Return the paths of WSGI below a prefix of ASGI: all pinned prefixes, and single paths."""
    found = dict.fromkeys(
        path
        for table in known
        for rule in table.rules
        if rule.stack is Stack.WSGI
        for path in gateway_paths(rule.match)
        if path not in on_asgi and covering(path, on_asgi) and _is_surely_wsgi(known, rule, path)
    )
    pinned = {path: None for path in found if path.is_prefix}
    single = [path for path in found if covering(path, on_asgi | {*pinned}) not in pinned]
    return (*pinned, *[path for path in single if not path.is_prefix][:MOST_EXCEPTIONS])


def _is_surely_wsgi(known: Sequence[Table], rule: EdgeRule, path: GatewayPath) -> bool:
    if not path.is_prefix:
        return rule.match.literal is not None and not _may_be_asgi(known, path)
    # A pin, as a rule: each table begins with the pins.
    return covers_all_below(rule.match) and not any(
        table.may_be_asgi_below(path, rule) for table in known
    )


def _may_be_asgi(known: Sequence[Table], path: GatewayPath) -> bool:
    return any(table.may_be_asgi(path.path) for table in known)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gateway:
    """What a gateway sends where, without the prefix ``base`` that its paths begin with."""

    base: str
    on_asgi: Set[GatewayPath]
    stripped: tuple[GatewayPath, ...]
    on_wsgi: tuple[GatewayPath, ...]

    def matches(self) -> Iterator[GatewayMatch]:
        """Yield the matches, those of one path first and then the longer prefixes."""
        asgi = {*self.on_asgi, *self.stripped}
        wsgi = {*self.on_wsgi, *({EVERYTHING} - asgi)}
        for path in sorted({*wsgi, *asgi}, key=_precedence):
            if path in wsgi:
                yield from (self._to_asgi(path, upgrade) for upgrade in UPGRADES)
                yield GatewayMatch(path=path.below(self.base), stack=Stack.WSGI)
            else:
                yield self._to_asgi(path)

    def _to_asgi(self, path: GatewayPath, upgrade: str | None = None) -> GatewayMatch:
        prefix = next((each.path for each in self.stripped if each.covers(path)), None)
        return GatewayMatch(
            path=path.below(self.base),
            stack=Stack.ASGI,
            upgrade=upgrade,
            replacement=(
                None if prefix is None else self.base + path.path.removeprefix(prefix) or "/"
            ),
        )

    def rules(
        self, wanted: Mapping[EdgeRule, tuple[GatewayPath, ...]], wsgi: Iterable[WsgiRoute]
    ) -> Iterator[LoweredRule]:
        """Yield what became of each rule, whose own paths are ``wanted``."""
        asgi = {*self.on_asgi, *self.stripped}
        taken = taken_routes(wsgi, asgi, {*self.on_wsgi})
        for rule, own in wanted.items():
            paths = dict.fromkeys(covering(path, asgi) or path for path in own)
            is_whole = all(not path.is_prefix or covers_all_below(rule.match) for path in paths)
            routes = (pattern for path in paths for pattern in taken.get(path, ()))
            yield LoweredRule(
                origin=rule.origin,
                paths=tuple(path.below(self.base) for path in paths),
                is_exact=is_whole and tuple(paths) == own,
                wsgi_routes=tuple(dict.fromkeys(routes)),
            )


def _precedence(path: GatewayPath) -> tuple[bool, int, str]:
    return path.is_prefix, -len(path.path), path.path

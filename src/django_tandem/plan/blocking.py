"""The routes that a target names → the paths to block, in the order of the URLconf."""

import re
from collections.abc import Iterable, Sequence

from django_tandem.errors import RefusedError, did_you_mean
from django_tandem.model import BlockRule, Route
from django_tandem.project.regex.charset import python_regex
from django_tandem.routing.policy import is_named
from django_tandem.routing.table import stripped_prefix

BY_PATH = 'Block a path, such as "/events/", or one path alone, such as "=/events/".'


def block_rules(
    target: str, routes: Sequence[Route], stripped: Iterable[str] = ()
) -> tuple[BlockRule, ...]:
    """
    Return the rules for ``target``: a path prefix, ``=`` and a path, a pattern, or a name.

    ``stripped`` are the prefixes of pins with STRIP. Raises RefusedError for a target that names
    nothing, routes whose paths are not known, or paths that a stack gets without their prefix.
    """
    named = [route for route in routes if _matches_target(target, route)]
    if not named and target.startswith(("/", "=/")):
        _require_whole(target, stripped)
        return (_path_rule(target),)
    if not named:
        raise RefusedError(
            f'"{target}" is not a path, a pattern, a URL name, a namespace or a view.',
            hint=did_you_mean(target, _names(routes), otherwise="`tandem plan` lists them."),
        )
    for route in named:
        _require_exact(target, route)
    last = max(index for index, route in enumerate(routes) if route in named)
    ordered = [route for route in routes[: last + 1] if route in named or _may_shadow(route, named)]
    for route in ordered:
        _require_regex(target, route)
    return tuple(_rule(route, is_blocked=route in named) for route in ordered)


def covered(rules: Iterable[BlockRule], routes: Iterable[Route]) -> list[Route]:
    """Return those of ``routes`` with at least one path that is known to be blocked."""
    blocked = [rule for rule in rules if rule.is_blocked]
    return [route for route in routes if any(_blocks(rule, route) for rule in blocked)]


def _matches_target(target: str, route: Route) -> bool:
    return (route.pattern == target and not route.match.literal) or is_named(target, route)


def _require_whole(target: str, stripped: Iterable[str]) -> None:
    is_exact = target.startswith("=")
    prefix = stripped_prefix(target.removeprefix("="), stripped, is_exact=is_exact)
    if prefix:
        raise RefusedError(
            f'"{target}" can\'t be blocked by path: TANDEM["ROUTES"] strips "{prefix}" before the '
            "stack gets it.",
            hint="Block its routes by their pattern, name or view: `tandem plan` lists them.",
        )


def _path_rule(target: str) -> BlockRule:
    if target.startswith("="):
        return BlockRule(regex=rf"{re.escape(target[1:])}\Z")
    return BlockRule(regex=re.escape(target))


def _require_exact(target: str, route: Route) -> None:
    if route.match.why_inexact:
        raise RefusedError(
            f'"{target}" has {route.pattern}, whose paths are not known exactly: '
            f"{route.match.why_inexact}.",
            hint=BY_PATH,
        )


def _require_regex(target: str, route: Route) -> None:
    """Refuse a route that is named, or comes before one, and whose paths Python can't match."""
    if python_regex(route.match.pcre) is None:
        raise RefusedError(
            f'"{target}" depends on {route.pattern}, whose regular expression Python '
            "can't compile.",
            hint=BY_PATH,
        )


def _may_shadow(route: Route, named: Iterable[Route]) -> bool:
    """Return whether ``route`` may match a path of ``named``: then one prefix begins the other."""
    return any(
        route.protocol is each.protocol
        and (
            route.match.prefix.startswith(each.match.prefix)
            or each.match.prefix.startswith(route.match.prefix)
        )
        for each in named
    )


def _rule(route: Route, *, is_blocked: bool) -> BlockRule:
    regex = python_regex(route.match.pcre) or ""
    return BlockRule(regex=regex, is_blocked=is_blocked, protocol=route.protocol)


def _blocks(rule: BlockRule, route: Route) -> bool:
    if rule.protocol is not None:
        is_same = rule.regex == python_regex(route.match.pcre)
        return is_same and rule.protocol is route.protocol
    path = route.match.literal or route.match.prefix
    # A WebSocket's prefix ends with its first slash: Channels strips every leading one.
    return bool(re.match(rule.regex, path if len(path) > 1 else route.pattern))


def _names(routes: Iterable[Route]) -> list[str]:
    found = [(route.pattern, route.name, route.view.dotted) for route in routes]
    return sorted({name for names in found for name in names if name})

"""
Verdicts → the edge's route table: only the rules that change an answer, first match wins.

Also which prefix the edge strips from a path, where a pin has STRIP.
"""

import bisect
import re
from collections.abc import Iterable, Sequence

from django_tandem.model import EdgeRule, PathMatch, Pin, Protocol, Stack, Verdict
from django_tandem.routing.policy import deciding_pin


def edge_rules(verdicts: Iterable[Verdict], pins: Iterable[Pin]) -> tuple[EdgeRule, ...]:
    """
    Return the rules that send each path to its stack; a path without a rule goes to WSGI.

    WebSockets need none: they are recognized by the handshake, not by the path.
    """
    return tuple(drop_redundant(ordered_rules(verdicts, pins)))


def ordered_rules(
    verdicts: Iterable[Verdict], pins: Iterable[Pin], *, has_handover: bool = True
) -> list[EdgeRule]:
    """
    Return a rule for each pin of paths and each route, in the order in which they match.

    Without a handover, ASGI gets all paths that may be those of a route that is for ASGI, or that
    is not known.
    """
    pins = tuple(pins)
    http = [each for each in verdicts if each.route.protocol is Protocol.HTTP]
    rules: list[EdgeRule] = []
    for index, pin in enumerate(pins):
        if pin.is_of_paths:
            rules += [*_exceptions(pins[: index + 1], http), _pin_rule(pin)]
    routed = [
        EdgeRule(
            match=each.route.match,
            stack=_edge_stack(each) if has_handover else _widened_stack(each),
            origin=each.route.pattern,
        )
        for each in http
    ]
    return [*rules, *routed]


def _exceptions(pins: tuple[Pin, ...], verdicts: Iterable[Verdict]) -> list[EdgeRule]:
    """Return the rules for paths of the last pin that earlier pins of routes decide otherwise."""
    *earlier, last = pins
    if all(pin.is_of_paths or pin.stack is last.stack for pin in earlier):
        return []
    rules = []
    for each in verdicts:
        match = _within(each.route.match, last)
        by = deciding_pin(each.route, earlier)
        # An earlier pin of paths has a separate rule, in front of these.
        if match is not None and (by is None or not earlier[by].is_of_paths):
            stack = last.stack if by is None else _edge_stack(each)
            rules.append(EdgeRule(match=match, stack=stack, origin=each.route.pattern))
    return drop_redundant(rules, default=last.stack)


def _within(match: PathMatch, pin: Pin) -> PathMatch | None:
    # The part of `match` that the pin covers.
    only = _pin_rule(pin).match
    if match.prefix.startswith(only.prefix) and only.literal in (None, match.literal):
        return match
    if match.literal is not None or not only.prefix.startswith(match.prefix):
        return None
    return PathMatch(pcre=f"(?={only.pcre}){match.pcre}", prefix=only.prefix)


def _edge_stack(verdict: Verdict) -> Stack:
    # A pattern that matches more paths than the route: WSGI serves each of them, and hands over
    # those that belong to ASGI. It has nothing of what asgi.py serves without the URLconf.
    # After a pin ASGI does so: it serves the whole URLconf as well.
    may_need_handover = verdict.pin is None and verdict.route.match.why_inexact
    return Stack.WSGI if may_need_handover and verdict.route.by_django else verdict.stack


def _widened_stack(verdict: Verdict) -> Stack:
    is_unknown = verdict.pin is None and verdict.route.is_branch
    return Stack.ASGI if is_unknown else verdict.stack


def _pin_rule(pin: Pin) -> EdgeRule:
    if pin.path is None:
        match = PathMatch(pcre=f"^{re.escape(pin.target)}", prefix=pin.target)
    else:
        pcre = rf"^{re.escape(pin.path)}\z"
        match = PathMatch(pcre=pcre, prefix=pin.path, literal=pin.path)
    return EdgeRule(match=match, stack=pin.stack, origin=pin.target)


def drop_redundant(rules: Sequence[EdgeRule], default: Stack = Stack.WSGI) -> list[EdgeRule]:
    """
    Drop the rules for the ``default`` that overlap with no later rule for the other stack.

    From the end on, the prefixes of the other stack's rules are kept sorted, so that the whole
    takes n log n steps.
    """
    kept: list[EdgeRule] = []
    later = _Overlaps()
    for rule in reversed(rules):
        if rule.stack is not default:
            later.add(rule.match)
        elif not later.overlaps(rule.match):
            continue
        kept.append(rule)
    return kept[::-1]


class _Overlaps:
    """The paths that later rules may match: single ones, and all that begin with a prefix."""

    def __init__(self) -> None:
        self._sorted: list[str] = []
        self._literals: set[str] = set()
        self._prefixes: set[str] = set()
        self._lengths: set[int] = set()

    def add(self, match: PathMatch) -> None:
        known = self._prefixes if match.literal is None else self._literals
        if match.prefix in known:
            return
        known.add(match.prefix)
        bisect.insort(self._sorted, match.prefix)
        if match.literal is None:
            self._lengths.add(len(match.prefix))

    def overlaps(self, match: PathMatch) -> bool:
        """Return whether a path may match both: then one prefix begins with the other."""
        if any(match.prefix[:length] in self._prefixes for length in self._lengths):
            return True
        if match.literal is not None:
            return match.literal in self._literals
        at = bisect.bisect_left(self._sorted, match.prefix)
        return at < len(self._sorted) and self._sorted[at].startswith(match.prefix)


def stripped_prefix(path: str, prefixes: Iterable[str], *, is_exact: bool = False) -> str | None:
    """
    Return the prefix that the edge strips from a path below ``path``; None if each is passed whole.

    ``is_exact`` is true for this path alone.
    """
    # It begins every path, with a prefix or without.
    if path == "/":
        return None
    return next(
        (
            prefix
            for prefix in prefixes
            if path.startswith(prefix) or (prefix.startswith(path) and not is_exact)
        ),
        None,
    )

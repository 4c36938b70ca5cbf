"""Verdicts → the edge's route table: only the rules that change an answer, first match wins."""

import bisect
import re
from collections.abc import Iterable, Sequence

from django_tandem.model import EdgeRule, PathMatch, Pin, Protocol, Stack, Verdict


def edge_rules(verdicts: Iterable[Verdict], pins: Iterable[Pin]) -> tuple[EdgeRule, ...]:
    """
    Return the rules that send each path to its stack; what no rule matches goes to WSGI.

    WebSockets are not among them: the handshake tells them, not the path.
    """
    pinned = [_pin_rule(pin) for pin in pins if pin.is_of_paths]
    routed = [
        EdgeRule(match=each.route.match, stack=_edge_stack(each), origin=each.route.pattern)
        for each in verdicts
        if each.route.protocol is Protocol.HTTP
    ]
    return tuple(without_idle([*pinned, *routed]))


def _edge_stack(verdict: Verdict) -> Stack:
    # A pattern that matches more paths than the route answers: WSGI sorts them out, for it
    # serves each of them, and hands over what belongs to ASGI.
    return Stack.WSGI if verdict.route.match.inexact else verdict.stack


def _pin_rule(pin: Pin) -> EdgeRule:
    if pin.path is None:
        match = PathMatch(pcre=f"^{re.escape(pin.target)}", prefix=pin.target)
    else:
        pcre = rf"^{re.escape(pin.path)}\z"
        match = PathMatch(pcre=pcre, prefix=pin.path, literal=pin.path)
    return EdgeRule(match=match, stack=pin.stack, origin=pin.target)


def without_idle(rules: Sequence[EdgeRule]) -> list[EdgeRule]:
    """
    Drop the WSGI rules that no later ASGI rule could contradict, as WSGI is the default.

    Walking from the end, what the ASGI rules seen so far may match is kept sorted, so
    that the whole takes n log n steps.
    """
    kept: list[EdgeRule] = []
    later = _Later()
    for rule in reversed(rules):
        if rule.stack is Stack.ASGI:
            later.add(rule.match)
        elif not later.meets(rule.match):
            continue
        kept.append(rule)
    return kept[::-1]


class _Later:
    """What later rules may match: whole paths, and all that begins with a prefix."""

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

    def meets(self, match: PathMatch) -> bool:
        """Whether a path may match both: then one's beginning is the other's."""
        if any(match.prefix[:length] in self._prefixes for length in self._lengths):
            return True
        if match.literal is not None:
            return match.literal in self._literals
        at = bisect.bisect_left(self._sorted, match.prefix)
        return at < len(self._sorted) and self._sorted[at].startswith(match.prefix)

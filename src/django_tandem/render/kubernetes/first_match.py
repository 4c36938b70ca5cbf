"""The rules of each URLconf in Django's order, and which of them may answer a path."""

import functools
import re
from dataclasses import dataclass
from itertools import takewhile

from django_tandem.model import EdgeRule, PathMatch, Plan, Stack, Verdict
from django_tandem.project.regex.charset import python_regex
from django_tandem.project.regex.prefixes import literal_prefixes
from django_tandem.render.kubernetes.gateway_path import GatewayPath
from django_tandem.routing.policy import decide_all
from django_tandem.routing.table import ordered_rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rules of one URLconf: the first that matches decides."""

    rules: tuple[EdgeRule, ...]

    def may_be_asgi(self, path: str) -> bool:
        """Return False only where no request for ``path`` is for ASGI."""
        for rule in self.rules:
            matches = _matches(rule.match, path)
            if matches is False:
                continue
            if rule.stack is Stack.ASGI:
                return True
            if matches and not rule.match.why_inexact:
                return False
        return False

    def may_be_asgi_below(self, path: GatewayPath, rule: EdgeRule) -> bool:
        """Return False only where no request in ``path`` is for ASGI in front of ``rule``."""
        return any(
            path.overlaps(prefix)
            for earlier in takewhile(lambda each: each != rule, self.rules)
            if earlier.stack is Stack.ASGI
            for prefix in literal_prefixes(earlier.match)
        )


def tables(plan: Plan) -> tuple[Table, ...]:
    """Return the tables of the project's URLconf and of those that a middleware may choose."""
    return tuple(
        Table(rules=tuple(ordered_rules(verdicts, plan.pins, has_handover=False)))
        for verdicts in all_verdicts(plan)
    )


def all_verdicts(plan: Plan) -> tuple[tuple[Verdict, ...], ...]:
    """Return the verdicts of each of those URLconfs."""
    others = (decide_all(each.routes, plan.pins) for each in plan.project.other_urlconfs)
    return (plan.verdicts, *others)


def covers_all_below(match: PathMatch) -> bool:
    """Return whether ``match`` is a prefix, and each path that begins with it matches."""
    is_exact = match.literal is None and not match.why_inexact
    return is_exact and match.pcre == f"^{re.escape(match.prefix)}"


def _matches(match: PathMatch, path: str) -> bool | None:
    """Return whether ``path`` matches; None where Python can't decide."""
    if match.literal is not None:
        return path == match.literal
    if not path.startswith(match.prefix):
        return False
    regex = _regex(match.pcre)
    return bool(regex.match(path)) if regex else None


@functools.lru_cache(maxsize=4096)
def _regex(pcre: str) -> re.Pattern[str] | None:
    text = python_regex(pcre)
    return None if text is None else re.compile(text)

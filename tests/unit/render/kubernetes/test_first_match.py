"""The first rule that matches decides a path; where that is not sure, it may be ASGI's."""

import pytest

from builders import plan, verdict
from django_tandem.model import EdgeRule, OtherUrlconf, PathMatch, Stack, View
from django_tandem.render.kubernetes.first_match import Table, covers_all_below, tables
from django_tandem.render.kubernetes.gateway_path import GatewayPath


def _rule(prefix: str, rest: str, stack: Stack, why: str = "") -> EdgeRule:
    match = PathMatch(pcre=f"^{prefix}{rest}", prefix=prefix, why_inexact=why)
    return EdgeRule(match=match, stack=stack, origin=prefix)


NUMBER = _rule("/lots/", r"[0-9]+/\z", Stack.ASGI)


@pytest.mark.parametrize(
    ("rules", "path", "may_be"),
    [
        ((NUMBER,), "/lots/7/", True),
        ((NUMBER,), "/lots/new/", False),
        ((NUMBER,), "/about/", False),
        ((_rule("/lots/", r"\p{Any}+\z", Stack.WSGI), NUMBER), "/lots/7/", False),
        ((_rule("/lots/", r"\p{Any}+\z", Stack.WSGI, "it may refuse"), NUMBER), "/lots/7/", True),
        ((_rule("/lots/", r"\p{Greek}*\z", Stack.WSGI), NUMBER), "/lots/7/", True),
        ((_rule("/lots/", r"\p{Greek}*\z", Stack.ASGI),), "/lots/new/", True),
    ],
)
def test_a_path_is_not_for_asgi_only_where_that_is_sure(rules, path, may_be) -> None:
    """A rule that is inexact, or that Python can't read, decides nothing."""
    assert Table(rules=rules).may_be_asgi(path) is may_be


@pytest.mark.parametrize(
    ("earlier", "may_be"),
    [("/api/v2/live/", True), ("/api/", True), ("/api/v3/", False), ("/api/v22", False)],
)
def test_a_prefix_is_not_for_asgi_only_where_no_rule_in_front_overlaps(earlier, may_be) -> None:
    """By what the paths of each begin with."""
    rule = _rule("/api/v2/", "", Stack.WSGI)
    table = Table(rules=(_rule(earlier, r"[a-z0-9]+", Stack.ASGI), rule, NUMBER))

    path = GatewayPath(path="/api/v2", is_prefix=True)
    assert table.may_be_asgi_below(path, rule) is may_be


def test_each_urlconf_has_a_table() -> None:
    """Each begins with the pins of paths."""
    coroutine = View(dotted="shop.views.feed", is_coroutine=True)
    other = OtherUrlconf(module="shop.urls", routes=(verdict("/feed/", view=coroutine).route,))
    made = plan(verdict("/"), other_urlconfs=(other,), tandem={"ROUTES": [("/mcp/", "asgi")]})

    found = [[(rule.origin, str(rule.stack)) for rule in table.rules] for table in tables(made)]
    assert found == [[("/mcp/", "asgi"), ("/", "wsgi")], [("/mcp/", "asgi"), ("/feed/", "asgi")]]


@pytest.mark.parametrize(
    ("pcre", "why", "covers"),
    [("^/mcp/", "", True), (r"^/mcp/\z", "", False), ("^/mcp/", "it may refuse", False)],
)
def test_a_prefix_without_a_condition_covers_all_below(pcre, why, covers) -> None:
    """As that of a pin does."""
    assert covers_all_below(PathMatch(pcre=pcre, prefix="/mcp/", why_inexact=why)) is covers

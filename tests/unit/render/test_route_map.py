"""The lines of the route map; the guard matches no path that an ASGI rule could match."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import plan, verdict
from django_tandem.model import EdgeRule, PathMatch, Stack
from django_tandem.render import nginx
from django_tandem.render.route_map import guard

ROOMY = 4000

prefixes = st.lists(st.text("ab/.", max_size=8).map("/{}".format), min_size=1, max_size=12)


def _rules(*begin: str, stack: Stack = Stack.ASGI) -> list[EdgeRule]:
    matches = [PathMatch(pcre=f"^{re.escape(text)}", prefix=text) for text in begin]
    return [EdgeRule(match=match, stack=stack, origin=match.prefix) for match in matches]


def _matches(found: str | None, path: str) -> bool:
    return found is not None and re.match(found, path) is not None


@given(begin=prefixes, path=st.text("ab/.", max_size=12).map("/{}".format))
def test_the_guard_matches_paths_without_a_prefix_of_the_rules(begin, path) -> None:
    """With room for every prefix."""
    is_covered = any(path.startswith(text) for text in begin)

    assert _matches(guard(_rules(*begin), longest=ROOMY), path) is not is_covered


@given(begin=prefixes, longest=st.integers(0, 80), path=st.text("ab/.", max_size=12))
def test_a_shorter_guard_matches_fewer_paths(begin, longest, path) -> None:
    """It is never longer than allowed, and never matches a path of a rule."""
    found = guard(_rules(*begin), longest=longest)

    assert found is None or len(found) <= longest
    assert not any(_matches(found, f"{text}{path}") for text in begin)


@pytest.mark.parametrize("begin", [("/",), ("/feed/", "/"), ()])
def test_there_is_no_guard_where_every_path_may_be_asgis(begin) -> None:
    """Nor without rules."""
    assert guard(_rules(*begin), longest=ROOMY) is None


def test_a_common_beginning_stands_once() -> None:
    """Only rules for ASGI have a part in it."""
    rules = [*_rules("/api/feed/", "/api/fees/", "/x+"), *_rules("/other/", stack=Stack.WSGI)]

    assert guard(rules, longest=ROOMY) == r"^(?!/(?:api/fee(?:d/|s/)|x\+))"


def test_only_a_long_map_has_a_guard() -> None:
    """A short one is faster without."""

    def lines(count: int) -> int:
        routes = [verdict(f"/{n}/<a>/", (Stack.WSGI, Stack.ASGI)[n % 2]) for n in range(count)]
        same = PathMatch(pcre="^/.", prefix="/a")
        routes = [verdict(each.route.pattern, each.stack, match=same) for each in routes]
        return nginx.render(plan(*routes))[0].content.count("(*UTF8)")

    assert (lines(2), lines(4)) == (2, 5)

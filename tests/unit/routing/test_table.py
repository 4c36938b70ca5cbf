"""The edge's table holds the rules that change an answer, in Django's order, and no others."""

import re
from dataclasses import replace

from builders import verdict, websocket
from django_tandem.model import PathMatch, Pin, Stack
from django_tandem.routing.table import edge_rules, ordered_rules


def _table(*verdicts, pins=()) -> list[tuple[str, str]]:
    return [(rule.origin, rule.stack.value) for rule in edge_rules(verdicts, pins)]


def test_a_project_on_wsgi_alone_needs_no_rule() -> None:
    """WSGI is where everything goes that no rule matches."""
    assert _table(verdict("/"), verdict("/admin/")) == []


def test_a_wsgi_rule_stays_only_where_it_shadows_a_later_asgi_one() -> None:
    """`/feed/` on WSGI comes first, so the ASGI rule below it must not take its path."""
    table = _table(
        verdict("/other/"), verdict("/feed/"), verdict("/feed/", Stack.ASGI), verdict("/last/")
    )

    assert table == [("/feed/", "wsgi"), ("/feed/", "asgi")]


def _below(prefix: str) -> PathMatch:
    return PathMatch(pcre=f"^{prefix}.*", prefix=prefix)


def test_a_shorter_prefix_may_shadow_a_longer_one_and_the_other_way_round() -> None:
    """Two rules can meet on a path when one's prefix begins with the other's."""
    table = _table(
        verdict("/a/*", match=_below("/a/")),
        verdict("/a/b/c/*", match=_below("/a/b/c/")),
        verdict("/a/c/*", match=_below("/a/c/")),
        verdict("/a/b/*", Stack.ASGI, match=_below("/a/b/")),
    )

    assert table == [("/a/*", "wsgi"), ("/a/b/c/*", "wsgi"), ("/a/b/*", "asgi")]


def test_a_rule_for_one_path_shadows_that_path_alone() -> None:
    """A path that merely begins another's is no reason to keep a rule."""
    table = _table(verdict("/a/"), verdict("/a/b"), verdict("/a/b/", Stack.ASGI))

    assert table == [("/a/b/", "asgi")]


def test_websockets_need_no_rule() -> None:
    """Their paths are no rule of the table: a plain request to one is Django's to answer."""
    assert _table(websocket("/ws/")) == []


def test_a_prefix_pin_comes_before_every_route() -> None:
    """Pins of paths come first; a pin by name is in the verdict already."""
    pins = [Pin(target="/api/", stack=Stack.ASGI), Pin(target="api:feed", stack=Stack.WSGI)]

    assert _table(verdict("/x/", Stack.ASGI), pins=pins) == [("/api/", "asgi"), ("/x/", "asgi")]


FEED = Pin(target="feed", stack=Stack.ASGI)
API = Pin(target="/api/", stack=Stack.WSGI)


def test_a_route_that_an_earlier_pin_decides_comes_before_a_pin_of_paths() -> None:
    """The first pin that covers a path wins at the edge too."""
    feed = verdict("/api/feed/", Stack.ASGI, name="feed")
    rest = [verdict("/api/a/"), verdict("/api/z/"), verdict("/y/", Stack.ASGI)]

    assert _table(*rest[:1], feed, *rest[1:], pins=[FEED, API]) == [
        ("/api/feed/", "asgi"),
        ("/api/", "wsgi"),
        ("/api/feed/", "asgi"),
        ("/y/", "asgi"),
    ]
    assert _table(*rest[:1], feed, *rest[1:], pins=[API, FEED])[0] == ("/api/", "wsgi")


def test_what_shadows_such_a_route_still_does() -> None:
    """Django's order holds among the routes, on the paths that the pin speaks of."""
    shadow = verdict("/*", Stack.ASGI, match=_below("/"))
    feed = verdict("/api/feed/", Stack.WSGI, name="feed")
    pins = [
        Pin(target="feed", stack=Stack.WSGI),
        Pin(target="/api/", stack=Stack.ASGI),
    ]
    first, second, *_ = edge_rules([shadow, feed], pins)

    assert (first.origin, first.stack, first.match.prefix) == ("/*", Stack.ASGI, "/api/")
    assert re.match(first.match.pcre, "/api/x")
    assert not re.match(first.match.pcre, "/x")
    assert (second.origin, second.stack) == ("/api/feed/", Stack.WSGI)


def test_a_route_above_a_pinned_prefix_is_an_exception_on_the_paths_below_it() -> None:
    """On its other paths, routes before it are tried first, as in Django."""
    feed = verdict("/*", Stack.ASGI, name="feed", match=_below("/"))
    (first, *_) = edge_rules([verdict("/x/"), feed], [FEED, API])

    assert first.stack is Stack.ASGI
    assert re.match(first.match.pcre, "/api/feed/")
    assert not re.match(first.match.pcre, "/x/")


def test_a_pin_of_one_path_is_a_rule_for_that_path_alone() -> None:
    """`=/api/` says nothing of `/api/lots/`."""
    (rule,) = edge_rules([], [Pin(target="=/api/", stack=Stack.ASGI)])

    assert (rule.match.pcre, rule.match.literal) == (r"^/api/\z", "/api/")


def test_three_thousand_sync_routes_and_five_async_ones_give_five_rules() -> None:
    """Only what changes an answer is written."""
    sync = [verdict(f"/s{number}/") for number in range(3000)]
    mixed = [verdict(f"/a{number}/", Stack.ASGI) for number in range(5)]

    assert len(_table(*sync[:1500], *mixed, *sync[1500:])) == 5


def test_what_asgi_py_serves_alone_is_never_sorted_out_by_wsgi() -> None:
    """WSGI could neither serve it nor hand it over."""
    match = PathMatch(pcre="^/mcp/", prefix="/mcp/", why_inexact="a look-behind")

    assert _table(verdict("/mcp/", Stack.ASGI, match=match, by_django=False)) == [("/mcp/", "asgi")]


def test_a_pin_by_name_makes_a_rule_for_asgi() -> None:
    """Without it WSGI, which can hand over, gets what is not known exactly."""
    match = PathMatch(pcre="^/keys/[^/]+/", prefix="/keys/", why_inexact="a converter may refuse")

    assert _table(verdict("/keys/", Stack.ASGI, match=match)) == []
    pinned = replace(verdict("/keys/", Stack.ASGI, match=match, name="key"), pin=0)
    assert _table(pinned, pins=[Pin(target="key", stack=Stack.ASGI)]) == [("/keys/", "asgi")]


def test_without_a_handover_asgi_gets_what_may_be_its_own() -> None:
    """The paths of an inexact pattern, and of a branch whose views are not known; not of a pin."""
    match = PathMatch(pcre="^/a/", prefix="/a/", why_inexact="a repeat")
    inexact = verdict("/a/…", Stack.ASGI, match=match)
    branch = verdict("/b/…", is_branch=True)
    pinned = replace(verdict("/c/…", is_branch=True), pin=0)

    rules = ordered_rules([inexact, branch, pinned, verdict("/d/")], (), has_handover=False)

    assert [str(rule.stack) for rule in rules] == ["asgi", "asgi", "wsgi", "wsgi"]

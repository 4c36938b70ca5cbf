"""The routing policy: the rules, and the verdict of a route or of one request."""

import subprocess
import sys

import pytest
from project.builders import pin, route

from django_tandem.errors import SettingError
from django_tandem.model import Pin, Protocol, Stack
from django_tandem.routing.policy import (
    RULES,
    async_stream_rule,
    check_pins,
    coroutine_rule,
    covers,
    decide,
    decide_all,
    event_stream_rule,
    mark_rule,
    outside_urlconf_rule,
    synchronous_rule,
    websocket_rule,
)

SOCKET = {"protocol": Protocol.WEBSOCKET, "is_coroutine": True}
WHY = "a look-behind"


def stacks(routes, pins=(), *, handover=True):
    return [verdict.stack for verdict in decide_all(routes, pins, handover=handover)]


def test_the_order_of_the_rules_is_the_policy() -> None:
    """First the mark in the code, then the protocol, then the view."""
    facts = (
        websocket_rule,
        outside_urlconf_rule,
        coroutine_rule,
        event_stream_rule,
        async_stream_rule,
    )
    assert (mark_rule, *facts, synchronous_rule) == RULES


@pytest.mark.parametrize(
    ("rule", "given", "stack", "reason"),
    [
        (mark_rule, route(mark=Stack.ASGI), Stack.ASGI, "marked @on_asgi"),
        (mark_rule, route(mark=Stack.WSGI), Stack.WSGI, "marked @on_wsgi"),
        (websocket_rule, route(**SOCKET), Stack.ASGI, "a WebSocket consumer"),
        (coroutine_rule, route(is_coroutine=True), Stack.ASGI, "an async view"),
        (event_stream_rule, route(is_event_stream=True), Stack.ASGI, "an event stream"),
        (async_stream_rule, route(is_async_stream=True), Stack.ASGI, "an async stream"),
        (synchronous_rule, route(), Stack.WSGI, "a synchronous view"),
        (
            synchronous_rule,
            route(wrapper="shop/decorators.py:12"),
            Stack.WSGI,
            "a synchronous wrapper over an async view (shop/decorators.py:12)",
        ),
    ],
)
def test_a_rule_returns_a_stack_and_a_reason(rule, given, stack, reason) -> None:
    """The reason is what a person reads in the table."""
    verdict = rule(given)

    assert (verdict.route, verdict.stack, verdict.reason) == (given, stack, reason)


@pytest.mark.parametrize("rule", [mark_rule, websocket_rule, coroutine_rule])
def test_a_rule_returns_nothing_for_a_route_it_does_not_concern(rule) -> None:
    """A plain synchronous view is left to the last rule."""
    assert rule(route()) is None


def test_every_route_gets_a_verdict_in_order() -> None:
    """A verdict a route, in the routes' own order."""
    routes = (route("/a/"), route("/b/", is_coroutine=True), route("/c/"))

    assert [verdict.route for verdict in decide_all(routes, ())] == list(routes)
    assert stacks(routes) == [Stack.WSGI, Stack.ASGI, Stack.WSGI]


def test_a_pin_wins_over_a_mark_and_a_mark_over_the_view() -> None:
    """What is closest to the user counts most."""
    marked = route("/a/", is_coroutine=True, mark=Stack.WSGI)

    assert stacks([marked]) == [Stack.WSGI]
    assert stacks([marked], [pin("/a/", Stack.ASGI)]) == [Stack.ASGI]


def test_the_first_pin_that_covers_a_route_wins() -> None:
    """Pins are tried in the order in which they are written."""
    pins = (pin("/x/", Stack.WSGI), pin("/a/", Stack.ASGI), pin("/a/b/", Stack.ASGI))
    verdict = decide(route("/a/b/"), pins)

    assert (verdict.stack, verdict.reason) == (Stack.ASGI, 'pinned by TANDEM["ROUTES"][1]')


def test_a_websocket_follows_no_pin_or_mark_to_wsgi() -> None:
    """A pin of "/" to WSGI, or a mark, leaves WebSockets where they can be served."""
    socket = route("/ws/", mark=Stack.WSGI, **SOCKET)

    assert decide(socket, (pin("/", Stack.WSGI),)).stack is Stack.ASGI


def test_what_asgi_py_serves_alone_follows_no_pin_to_wsgi() -> None:
    """WSGI has nothing but the URLconf; paths that are not known exactly go to ASGI with it."""
    outside = route("/mcp/", by_django=False, inexact=WHY)
    verdict = decide(outside, (pin("/", Stack.WSGI),), handover=False)

    assert (verdict.stack, verdict.reason) == (Stack.ASGI, "served by asgi.py alone")


def test_a_request_follows_the_pin_of_its_path() -> None:
    """The route may match outside the prefix, the request's path does not."""
    slugs = route("/<slug:any>/", name="page")
    pins = (pin("/live/", Stack.ASGI), pin("page", Stack.WSGI))

    assert decide(slugs, pins).stack is Stack.WSGI
    assert decide(slugs, pins, path="/live/").stack is Stack.ASGI
    assert decide(slugs, pins, path="/about/").stack is Stack.WSGI


def test_the_handover_sorts_out_paths_that_are_not_known() -> None:
    """The verdict stands, and the reason says that the edge alone can't route it."""
    (verdict,) = decide_all([route(is_coroutine=True, inexact=WHY)], ())

    assert verdict.stack is Stack.ASGI
    assert verdict.reason == "an async view, decided by the handover per request: a look-behind"


def test_without_a_handover_a_view_whose_paths_are_not_known_stays_on_wsgi() -> None:
    """WSGI serves it too; ASGI would get the paths of other routes as well."""
    (verdict,) = decide_all([route(is_coroutine=True, inexact=WHY)], (), handover=False)

    assert verdict.stack is Stack.WSGI
    assert verdict.reason == "an async view, but its paths are not known exactly: a look-behind"


def test_a_pinned_prefix_or_a_websocket_needs_no_exact_paths() -> None:
    """A prefix is exact whichever patterns are below it, and a WebSocket has its handshake."""
    inexact = route("/a/b/", is_coroutine=True, inexact=WHY)
    socket = route("/ws/", protocol=Protocol.WEBSOCKET, inexact=WHY)

    assert stacks([inexact], [pin("/a/", Stack.ASGI)], handover=False) == [Stack.ASGI]
    assert stacks([socket], handover=False) == [Stack.ASGI]


def test_a_pin_by_name_makes_a_rule_though_paths_are_not_known() -> None:
    """ASGI serves the other paths too; the reason says that it gets them."""
    named = route(name="feed", inexact=WHY)
    for handover in (True, False):
        (verdict,) = decide_all([named], [pin("feed", Stack.ASGI)], handover=handover)

        assert verdict.stack is Stack.ASGI
        assert verdict.reason == (
            'pinned by TANDEM["ROUTES"][0], with all paths that may match: a look-behind'
        )


def test_a_mark_does_not_make_paths_known() -> None:
    """It decides what the view deserves, not what the edge can match."""
    assert stacks([route(mark=Stack.ASGI, inexact=WHY)], handover=False) == [Stack.WSGI]


def test_a_route_on_wsgi_needs_no_handover() -> None:
    """So nothing is noted at it, though its paths are not known."""
    (verdict,) = decide_all([route(inexact=WHY)], ())

    assert verdict.reason == "a synchronous view"


def test_the_policy_needs_no_django() -> None:
    """A served process imports it before the project is set up."""
    code = "import sys, django_tandem.routing.policy; assert 'django' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("target", "given"),
    [
        ("/api/", route("/api/lots/<int:pk>/")),
        ("/api/lots/", route("/api/lots/<int:pk>/")),
        ("/ws/", route("/ws/<int:pk>/", **SOCKET)),
        ("feed", route(name="feed")),
        ("api:feed", route(name="api:feed")),
        ("api", route(name="api:feed")),
        ("api", route(name="api:v2:feed")),
        ("api:v2", route(name="api:v2:feed")),
        ("views.a", route()),
    ],
)
def test_a_pin_covers_what_is_below_its_prefix_or_has_its_name(target: str, given) -> None:
    """By path, by URL name, by namespace or by the view's dotted path."""
    assert covers(pin(target, Stack.ASGI), given)


@pytest.mark.parametrize(
    ("target", "given"),
    [
        ("/api/", route("/<slug:any>/")),
        ("/api/lots/", route("/api/")),
        ("/ws/", route("/<str:x>/", **SOCKET)),
        ("feed", route(name="feeds")),
        ("feed", route(name="api:feed")),
        ("api", route(name="apis:feed")),
        ("views", route()),
        ("", route()),
    ],
)
def test_a_pin_does_not_cover_what_only_looks_like_it(target: str, given) -> None:
    """A route that may match outside the prefix isn't pinned by it as a whole."""
    assert not covers(pin(target, Stack.ASGI), given)


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("api:fed", 'Did you mean "api:feed"?'),
        ("apu", 'Did you mean "api"?'),
        ("views.b", 'Did you mean "views.a"?'),
        ("zzzz", "A path begins with a slash; `tandem plan` lists the names."),
    ],
)
def test_a_pin_that_names_nothing_is_an_error(target: str, hint: str) -> None:
    """A misspelt name would otherwise pin nothing, silently."""
    with pytest.raises(SettingError) as raised:
        check_pins([pin("/x/", Stack.ASGI), pin(target, Stack.ASGI)], [route(name="api:feed")])

    assert str(raised.value) == (
        f'TANDEM["ROUTES"][1]: "{target}" is not a URL name, a namespace or a view.\n  {hint}'
    )


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("/api/*", 'Write "/api/": it covers every path that begins with it.'),
        ("api:*", 'Write "api": a namespace covers all names in it.'),
        (
            "/api/*/feed/",
            "Pin each route by its URL name, its namespace or its view's dotted path.",
        ),
        ("*", "Pin each route by its URL name, its namespace or its view's dotted path."),
    ],
)
def test_a_wildcard_in_a_pin_is_an_error_with_the_pin_to_write(target: str, hint: str) -> None:
    """It would cover the paths that have an asterisk in them."""
    with pytest.raises(SettingError) as raised:
        check_pins([pin(target, Stack.ASGI)], [route(name="api:feed")])

    assert str(raised.value) == (
        f'TANDEM["ROUTES"][0]: "{target}" has a wildcard, and pins have none.\n  {hint}'
    )


def test_two_pins_that_contradict_each_other_are_an_error() -> None:
    """Both are named, as either may be the wrong one."""
    pins = [pin("feed", Stack.ASGI), pin("/x/", Stack.ASGI), pin("feed", Stack.WSGI)]
    with pytest.raises(SettingError) as raised:
        check_pins(pins, [route(name="feed")])

    assert str(raised.value) == (
        'TANDEM["ROUTES"][0] and TANDEM["ROUTES"][2] pin "feed" to both stacks.\n'
        "  Remove one of them."
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/api/", "/api/feed/"),
        ("/api/", "=/api/feed/"),
        ("/api/", "api:feed"),
        ("api", "api:feed"),
        ("api:feed", "views.a"),
        ("views.a", "api"),
    ],
)
def test_a_pin_that_an_earlier_one_leaves_nothing_is_an_error(first: str, second: str) -> None:
    """It would decide nothing, silently; both are named."""
    pins = [pin(first, Stack.WSGI), pin("/x/", Stack.ASGI), pin(second, Stack.ASGI)]
    with pytest.raises(SettingError) as raised:
        check_pins(pins, [route("/api/feed/", name="api:feed")])

    assert str(raised.value) == (
        f'TANDEM["ROUTES"][0] pins "{first}" to wsgi, which leaves nothing for '
        f'TANDEM["ROUTES"][2] to pin "{second}" to asgi.\n'
        "  The first pin that matches wins: put the longer or narrower one first."
    )


@pytest.mark.parametrize(
    "pins",
    [
        [pin("/api/feed/", Stack.ASGI), pin("/api/", Stack.WSGI)],
        [pin("api:feed", Stack.ASGI), pin("/api/", Stack.WSGI), pin("api", Stack.WSGI)],
        [pin("api:feed", Stack.ASGI), pin("api", Stack.WSGI)],
        [pin("/api/feed/", Stack.ASGI), pin("api", Stack.WSGI)],
        [pin("/api/feed/", Stack.ASGI)] * 2,
    ],
)
def test_an_exception_before_its_rule_is_no_contradiction(pins) -> None:
    """The exception decides its own route, and the rule the others."""
    feed = route("/api/feed/", name="api:feed")

    check_pins(pins, [feed, route("/api/lots/", name="api:lots")])

    assert stacks([feed], pins) == [Stack.ASGI]


def test_a_websocket_that_is_pinned_to_wsgi_contradicts_no_pin() -> None:
    """That pin can't be followed, and the later one decides."""
    socket = route("/ws/", name="chat", protocol=Protocol.WEBSOCKET)

    pins = [pin("chat", Stack.WSGI), pin("/ws/", Stack.ASGI)]
    check_pins(pins, [socket])

    assert stacks([socket], pins) == [Stack.ASGI]


def test_a_prefix_pinned_twice_is_stripped_by_both_or_by_none() -> None:
    """Which of the two is meant is unknown."""
    pins = [pin("/x/", Stack.ASGI), Pin(target="/x/", stack=Stack.ASGI, strip=True)]
    with pytest.raises(SettingError, match='both pin "/x/", but only one of them has STRIP'):
        check_pins(pins, [])

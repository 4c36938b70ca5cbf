"""The rules, each by itself."""

import pytest
from project.builders import pin, route

from django_tandem.model import Protocol, Stack
from django_tandem.routing.rules import (
    RULES,
    holds,
    is_coroutine,
    is_synchronous,
    is_websocket,
    marked_in_code,
    pinned_by_setting,
)

SOCKET = {"protocol": Protocol.WEBSOCKET, "is_coroutine": True}


def test_the_order_of_the_rules_is_the_policy() -> None:
    """The user's word, then the author's, then the protocol, then the view."""
    assert (
        pinned_by_setting,
        marked_in_code,
        is_websocket,
        is_coroutine,
        is_synchronous,
    ) == RULES


@pytest.mark.parametrize(
    ("rule", "given", "stack", "reason"),
    [
        (marked_in_code, route(mark=Stack.ASGI), Stack.ASGI, "marked @on_asgi"),
        (marked_in_code, route(mark=Stack.WSGI), Stack.WSGI, "marked @on_wsgi"),
        (is_websocket, route(**SOCKET), Stack.ASGI, "a WebSocket consumer"),
        (is_coroutine, route(is_coroutine=True), Stack.ASGI, "an async view"),
        (is_synchronous, route(), Stack.WSGI, "a synchronous view"),
        (
            is_synchronous,
            route(wrapper="shop/decorators.py:12"),
            Stack.WSGI,
            "a synchronous wrapper over an async view (shop/decorators.py:12)",
        ),
    ],
)
def test_a_rule_answers_with_a_stack_and_a_reason(rule, given, stack, reason) -> None:
    """The reason is what a person reads in the table."""
    verdict = rule(given, ())

    assert (verdict.route, verdict.stack, verdict.reason) == (given, stack, reason)


@pytest.mark.parametrize("rule", [pinned_by_setting, marked_in_code, is_websocket, is_coroutine])
def test_a_rule_leaves_a_route_it_says_nothing_of(rule) -> None:
    """A plain synchronous view is left to the last rule."""
    assert rule(route(), ()) is None


def test_the_first_pin_that_holds_wins() -> None:
    """Pins are tried in the order in which they are written."""
    pins = (pin("/x/", Stack.WSGI), pin("/a/", Stack.ASGI), pin("/a/b/", Stack.WSGI))
    verdict = pinned_by_setting(route("/a/b/"), pins)

    assert (verdict.stack, verdict.reason) == (Stack.ASGI, 'pinned by TANDEM["ROUTES"][1]')


def test_a_websocket_follows_nobody_to_wsgi() -> None:
    """A pin of "/" to WSGI, or a mark, leaves WebSockets where they can be served."""
    socket = route("/ws/", mark=Stack.WSGI, **SOCKET)

    assert pinned_by_setting(socket, (pin("/", Stack.WSGI),)) is None
    assert marked_in_code(socket, ()) is None


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
def test_a_pin_holds_below_its_prefix_or_for_its_name(target: str, given) -> None:
    """By path, by URL name, by namespace or by the view's dotted path."""
    assert holds(pin(target, Stack.ASGI), given)


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
def test_a_pin_does_not_hold_for_what_only_looks_like_it(target: str, given) -> None:
    """A route that may match outside the prefix isn't pinned by it as a whole."""
    assert not holds(pin(target, Stack.ASGI), given)

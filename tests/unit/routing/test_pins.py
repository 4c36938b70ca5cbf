"""Pins: the routes that each one covers, and the pins that can't all be meant."""

import pytest
from project.builders import pin, route

from django_tandem.errors import SettingError
from django_tandem.model import Pin, Protocol, Stack
from django_tandem.routing.pins import check_pins, covers

SOCKET = {"protocol": Protocol.WEBSOCKET, "is_coroutine": True}


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
    """Each pin decides something, or agrees with the one that does."""
    check_pins(pins, [route("/api/feed/", name="api:feed"), route("/api/lots/", name="api:lots")])


def test_a_websocket_that_is_pinned_to_wsgi_contradicts_no_pin() -> None:
    """That pin can't be followed, and the later one decides."""
    socket = route("/ws/", name="chat", protocol=Protocol.WEBSOCKET)

    check_pins([pin("chat", Stack.WSGI), pin("/ws/", Stack.ASGI)], [socket])


def test_a_prefix_pinned_twice_is_stripped_by_both_or_by_none() -> None:
    """Which of the two is meant is unknown."""
    pins = [pin("/x/", Stack.ASGI), Pin(target="/x/", stack=Stack.ASGI, strip=True)]
    with pytest.raises(SettingError, match='both pin "/x/", but only one of them has STRIP'):
        check_pins(pins, [])

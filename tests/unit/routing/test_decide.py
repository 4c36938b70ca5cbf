"""Routes and pins to verdicts."""

import pytest
from project.builders import pin, route

from django_tandem.errors import SettingError
from django_tandem.model import Pin, Protocol, Stack
from django_tandem.routing.decide import decide

WHY = "a look-behind"


def stacks(routes, pins=(), *, handover=True):
    return [verdict.stack for verdict in decide(routes, pins, handover=handover)]


def test_every_route_gets_a_verdict_in_order() -> None:
    """A verdict a route, in the routes' own order."""
    routes = (route("/a/"), route("/b/", is_coroutine=True), route("/c/"))

    assert [verdict.route for verdict in decide(routes, ())] == list(routes)
    assert stacks(routes) == [Stack.WSGI, Stack.ASGI, Stack.WSGI]


def test_a_pin_wins_over_a_mark_and_a_mark_over_the_view() -> None:
    """What is closest to the user counts most."""
    marked = route("/a/", is_coroutine=True, mark=Stack.WSGI)

    assert stacks([marked]) == [Stack.WSGI]
    assert stacks([marked], [pin("/a/", Stack.ASGI)]) == [Stack.ASGI]


def test_the_hand_over_sorts_out_paths_that_are_not_known() -> None:
    """The verdict stands, and the reason says that the edge alone could not follow it."""
    (verdict,) = decide([route(is_coroutine=True, inexact=WHY)], ())

    assert verdict.stack is Stack.ASGI
    assert verdict.reason == "an async view; sorted out by the hand-over: a look-behind"


def test_without_a_hand_over_a_view_whose_paths_are_not_known_stays_on_wsgi() -> None:
    """WSGI answers it too; on ASGI it would take other routes' paths along."""
    (verdict,) = decide([route(is_coroutine=True, inexact=WHY)], (), handover=False)

    assert verdict.stack is Stack.WSGI
    assert verdict.reason == "an async view, but its paths are not known exactly: a look-behind"


def test_a_pinned_prefix_or_a_websocket_is_sure_of_its_paths() -> None:
    """A prefix is exact whatever the pattern below it, and the handshake tells a WebSocket."""
    inexact = route("/a/b/", is_coroutine=True, inexact=WHY)
    socket = route("/ws/", protocol=Protocol.WEBSOCKET, inexact=WHY)

    assert stacks([inexact], [pin("/a/", Stack.ASGI)], handover=False) == [Stack.ASGI]
    assert stacks([socket], handover=False) == [Stack.ASGI]


def test_a_name_or_a_mark_does_not_make_paths_known() -> None:
    """Pinned by name alone, the edge still couldn't tell its paths."""
    named = route(name="feed", inexact=WHY)
    (verdict,) = decide([named], [pin("feed", Stack.ASGI)], handover=False)

    assert verdict.stack is Stack.WSGI
    assert verdict.reason == (
        'pinned by TANDEM["ROUTES"][0], but its paths are not known exactly: a look-behind'
    )
    assert stacks([route(mark=Stack.ASGI, inexact=WHY)], handover=False) == [Stack.WSGI]


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("api:fed", 'Did you mean "api:feed"?'),
        ("apu", 'Did you mean "api"?'),
        ("zzzz", "A path begins with a slash; `tandem plan` lists the names there are."),
    ],
)
def test_a_pin_that_names_nothing_is_an_error(target: str, hint: str) -> None:
    """A misspelt name would otherwise pin nothing, in silence."""
    with pytest.raises(SettingError) as raised:
        decide([route(name="api:feed")], [pin("/x/", Stack.ASGI), pin(target, Stack.ASGI)])

    assert str(raised.value) == (
        f'TANDEM["ROUTES"][1]: "{target}" is no URL name of this project.\n  {hint}'
    )


def test_two_pins_that_contradict_each_other_are_an_error() -> None:
    """Both are named, as either may be the wrong one."""
    pins = [pin("feed", Stack.ASGI), pin("/x/", Stack.ASGI), pin("feed", Stack.WSGI)]
    with pytest.raises(SettingError) as raised:
        decide([route(name="feed")], pins)

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
    """It would decide nothing, in silence; both are named."""
    pins = [pin(first, Stack.WSGI), pin("/x/", Stack.ASGI), pin(second, Stack.ASGI)]
    with pytest.raises(SettingError) as raised:
        decide([route("/api/feed/", name="api:feed")], pins)

    assert str(raised.value) == (
        f'TANDEM["ROUTES"][0] pins "{first}" to wsgi, which leaves nothing for '
        f'TANDEM["ROUTES"][2] to pin "{second}" to asgi.\n'
        "  The first pin that holds wins: put the longer or narrower one first."
    )


@pytest.mark.parametrize(
    "pins",
    [
        [pin("/api/feed/", Stack.ASGI), pin("/api/", Stack.WSGI)],
        [pin("api:feed", Stack.ASGI), pin("/api/", Stack.WSGI), pin("api", Stack.WSGI)],
        [pin("api:feed", Stack.ASGI), pin("api", Stack.WSGI)],
        [pin("/api/feed/", Stack.ASGI), pin("api", Stack.WSGI)],
    ],
)
def test_an_exception_before_its_rule_is_no_contradiction(pins) -> None:
    """Each pin has something that it decides, or that is as it says."""
    routes = [route("/api/feed/", name="api:feed"), route("/api/lots/", name="api:lots")]

    assert stacks(routes, pins) == [Stack.ASGI, Stack.WSGI]


def test_a_websocket_that_is_pinned_to_wsgi_contradicts_nobody() -> None:
    """The pin can't be followed, and the later one decides."""
    socket = route("/ws/", name="chat", protocol=Protocol.WEBSOCKET)

    assert stacks([socket], [pin("chat", Stack.WSGI), pin("/ws/", Stack.ASGI)]) == [Stack.ASGI]


def test_a_prefix_pinned_twice_is_stripped_by_both_or_by_none() -> None:
    """Which of the two is meant can't be told."""
    pins = [pin("/x/", Stack.ASGI), Pin(target="/x/", stack=Stack.ASGI, strip=True)]
    with pytest.raises(SettingError, match='both pin "/x/", but only one of them has STRIP'):
        decide([], pins)


def test_the_same_pin_twice_is_no_error() -> None:
    """Saying a thing twice contradicts nothing."""
    assert stacks([route("/x/")], [pin("/x/", Stack.ASGI)] * 2) == [Stack.ASGI]

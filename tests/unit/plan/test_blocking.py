"""A target names the routes to block as a pin does, and their paths follow the URLconf's order."""

import re

import pytest

from builders import route, verdict, websocket
from django_tandem.errors import RefusedError
from django_tandem.model import PathMatch, Protocol, View
from django_tandem.plan.blocking import block_rules, covered

NUMBERED = route(
    "/lots/<int:pk>/",
    name="shop:lot",
    match=PathMatch(pcre=r"^/lots/[0-9]{1,4300}/\z", prefix="/lots/"),
)
FEED = route("/feed/", name="shop:feed", view=View(dotted="shop.views.feed"))
NEW = route("/lots/new/", name="new")
ANY = route(
    "/lots/<slug:slug>/", name="any", match=PathMatch(pcre=r"^/lots/[^/]+/\z", prefix="/lots/")
)
SOCKET = websocket("/ws/lots/").route
ROUTES = (FEED, NEW, ANY, NUMBERED, SOCKET)


def is_blocked(target: str, path: str, protocol: Protocol = Protocol.HTTP) -> bool:
    """Return what a process decides by the rules."""
    for rule in block_rules(target, ROUTES):
        if rule.protocol in (None, protocol) and re.match(rule.regex, path):
            return rule.is_blocked
    return False


@pytest.mark.parametrize(
    ("target", "blocked", "served"),
    [
        ("/lots/", ["/lots/7/", "/lots/new/", "/lots/7/more/"], ["/feed/", "/lots"]),
        ("=/feed/", ["/feed/"], ["/feed/x/", "/feed"]),
        ("/lots/<slug:slug>/", ["/lots/a/", "/lots/7/"], ["/lots/new/", "/lots/a/b/"]),
        ("shop:feed", ["/feed/"], ["/lots/7/"]),
        ("shop", ["/feed/"], ["/lots/new/"]),
        ("shop.views.feed", ["/feed/"], ["/lots/7/"]),
    ],
)
def test_a_target_names_routes_as_a_pin_does(target, blocked, served) -> None:
    """Or by the pattern that `tandem plan` prints; the route that comes first serves a path."""
    assert [path for path in (*blocked, *served) if is_blocked(target, path)] == blocked


def test_a_path_blocks_both_protocols() -> None:
    """And a route its own."""
    assert is_blocked("/ws/", "/ws/lots/", Protocol.WEBSOCKET)
    assert is_blocked("/ws/", "/ws/lots/")
    assert not is_blocked("shop:feed", "/feed/", Protocol.WEBSOCKET)


@pytest.mark.parametrize(
    ("target", "routes"),
    [("/ws/", [SOCKET]), ("/", list(ROUTES)), ("shop", [FEED, NUMBERED]), ("/none/", [])],
)
def test_the_known_routes_of_a_target(target, routes) -> None:
    """Of which one path at least is blocked."""
    assert covered(block_rules(target, ROUTES), ROUTES) == routes


def test_a_target_that_names_nothing_is_refused() -> None:
    """With the name that was meant."""
    with pytest.raises(RefusedError) as caught:
        block_rules("shop:fed", ROUTES)

    assert str(caught.value) == (
        '"shop:fed" is not a path, a pattern, a URL name, a namespace or a view.\n'
        '  Did you mean "shop:feed"?'
    )


def test_a_route_whose_paths_are_not_known_is_refused() -> None:
    """The paths of other routes would be blocked too."""
    match = PathMatch(pcre="^/x/", prefix="/x/", why_inexact="a custom converter")
    inexact = verdict("/x/<odd:id>/", name="odd", match=match).route

    with pytest.raises(RefusedError) as caught:
        block_rules("odd", [inexact])

    assert str(caught.value) == (
        '"odd" has /x/<odd:id>/, whose paths are not known exactly: a custom converter.\n'
        '  Block a path, such as "/events/", or one path alone, such as "=/events/".'
    )


@pytest.mark.parametrize("target", ["/ws/", "/ws/lots/", "=/ws/lots/", "/w"])
def test_a_path_that_loses_its_prefix_is_refused(target) -> None:
    """The stack gets another path, by which nothing would be blocked, or too much."""
    with pytest.raises(RefusedError) as caught:
        block_rules(target, [FEED], ["/ws/"])

    assert str(caught.value) == (
        f'"{target}" can\'t be blocked by path: TANDEM["ROUTES"] strips "/ws/" before the stack '
        "gets it.\n"
        "  Block its routes by their pattern, name or view: `tandem plan` lists them."
    )


@pytest.mark.parametrize("target", ["/", "=/", "=/w", "/lots/", "shop:feed"])
def test_other_targets_may_be_blocked_beside_a_prefix_that_is_stripped(target) -> None:
    """Such as all paths, of which each begins with a slash without its prefix too."""
    assert block_rules(target, [FEED], ["/ws/"]) == block_rules(target, [FEED])


@pytest.mark.parametrize("target", ["/lots/odd/", "shop:lot"])
def test_a_route_whose_regex_python_lacks_is_refused(target) -> None:
    """Also where it comes before the one that is named: its paths would be blocked too."""
    odd = route("/lots/odd/", name="odd", match=PathMatch(pcre=r"^/lots/(?R)/\z", prefix="/lots/"))

    with pytest.raises(RefusedError) as caught:
        block_rules(target, (odd, NUMBERED))

    assert str(caught.value) == (
        f'"{target}" depends on /lots/odd/, whose regular expression Python '
        "can't compile.\n"
        '  Block a path, such as "/events/", or one path alone, such as "=/events/".'
    )

"""The matches of a gateway send every request for ASGI there, and few others."""

import pytest

from builders import plan, verdict, websocket
from django_tandem.errors import SettingError
from django_tandem.model import OtherUrlconf, PathMatch, Plan, Protocol, Stack, View
from django_tandem.project.regex.prefixes import LiteralPrefix
from django_tandem.render.kubernetes.gateway_path import GatewayPath
from django_tandem.render.kubernetes.lowering import (
    MOST_ASGI_PATHS,
    UPGRADES,
    GatewayMatch,
    fit,
    lower,
)
from django_tandem.render.kubernetes.widening import WsgiRoute

SLUG = r"[\-a-zA-Z0-9_]+"


def _below(prefix: str, rest: str = rf"{SLUG}/\z", **changes) -> dict:
    return {"match": PathMatch(pcre=f"^{prefix}{rest}", prefix=prefix, **changes)}


def _line(match: GatewayMatch) -> str:
    path = match.path.path + ("…" if match.path.is_prefix else "")
    return f"{path} {match.stack}" + (f" as {match.replacement}" if match.replacement else "")


def _lines(lowered_plan: Plan) -> list[str]:
    """Return the matches of requests without an Upgrade header."""
    return [_line(match) for match in lower(lowered_plan).matches if match.upgrade is None]


def _upgrades(lowered_plan: Plan) -> list[str]:
    found = lower(lowered_plan).matches
    return [_line(match) for match in found if match.upgrade == UPGRADES[0]]


def test_one_path_of_asgi_is_an_exact_match() -> None:
    """Everything else goes to WSGI, as at the edge."""
    made = plan(verdict("/"), verdict("/feed/", Stack.ASGI))

    assert _lines(made) == ["/feed/ asgi", "/… wsgi"]


def test_a_variable_part_is_widened_to_the_segments_before_it() -> None:
    """The Gateway API has no variable part."""
    made = plan(verdict("/news/<slug>/", Stack.ASGI, **_below("/news/")))

    assert _lines(made) == ["/news… asgi", "/… wsgi"]


def test_each_alternative_of_a_pattern_has_a_match() -> None:
    """So i18n_patterns doesn't send the whole site to ASGI."""
    match = PathMatch(pcre=r"^/(?:en/|de/)feed/\z", prefix="/")
    made = plan(verdict("/<language>/feed/", Stack.ASGI, match=match))

    assert _lines(made) == ["/de/feed/ asgi", "/en/feed/ asgi", "/… wsgi"]


def test_a_route_of_wsgi_in_front_keeps_its_path() -> None:
    """One path is more specific than any prefix."""
    made = plan(
        verdict("/news/archive/"),
        verdict("/news/<slug>/", Stack.ASGI, **_below("/news/")),
        verdict("/news/latest/"),
    )

    assert _lines(made) == ["/news/archive/ wsgi", "/news… asgi", "/… wsgi"]


def test_a_route_of_wsgi_behind_keeps_a_path_that_the_pattern_in_front_lacks() -> None:
    """Python's own engine compares the path with each pattern in front."""
    number = _below("/lots/", r"[0-9]+/live/\z")
    made = plan(verdict("/lots/<int>/live/", Stack.ASGI, **number), verdict("/lots/new/"))

    assert _lines(made) == ["/lots/new/ wsgi", "/lots… asgi", "/… wsgi"]


@pytest.mark.parametrize("why", ["a converter may refuse a value", ""])
def test_a_path_that_may_be_for_asgi_is_never_left_to_wsgi(why) -> None:
    """The pattern may match more than Django does, or be no regular expression of Python."""
    rest = rf"{SLUG}/\z" if why else r"\p{Greek}*new/\z"
    odd = _below("/lots/", rest, why_inexact=why)
    made = plan(verdict("/lots/<odd>/", Stack.ASGI, **odd), verdict("/lots/new/"))

    assert _lines(made) == ["/lots… asgi", "/… wsgi"]


def test_without_a_handover_asgi_gets_all_paths_of_an_inexact_pattern() -> None:
    """At the edge they go to WSGI, which hands over those that belong to ASGI."""
    match = PathMatch(pcre="^/feed/", prefix="/feed/", why_inexact="a repeat")
    made = plan(verdict("/feed/…", Stack.ASGI, match=match), verdict("/", view=View(dotted="a.b")))

    assert _lines(made) == ["/feed… asgi", "/… wsgi"]


def test_a_route_that_none_of_its_paths_reaches_has_no_match() -> None:
    """The one in front of it answers, on WSGI."""
    made = plan(verdict("/feed/"), verdict("/feed/", Stack.ASGI))

    assert _lines(made) == ["/… wsgi"]


def test_an_upgrade_to_a_websocket_goes_to_asgi_on_each_path() -> None:
    """Also below a path that WSGI keeps, which is more specific than the match of all paths."""
    made = plan(
        websocket("/ws/"),
        verdict("/news/archive/"),
        verdict("/news/<slug>/", Stack.ASGI, **_below("/news/")),
    )

    assert _upgrades(made) == ["/news/archive/ asgi", "/… asgi"]
    assert {match.upgrade for match in lower(made).matches} == {None, "websocket", "WebSocket"}


def test_a_project_without_asgi_has_one_match() -> None:
    """There is no second Service."""
    assert [_line(match) for match in lower(plan(verdict("/"))).matches] == ["/… wsgi"]


def test_a_pattern_for_all_paths_sends_them_to_asgi() -> None:
    """Except for the single paths of WSGI that Django finds before it."""
    catch_all = PathMatch(pcre=r"^/\p{Any}+\z", prefix="/")
    made = plan(verdict("/about/"), verdict("/<path>", Stack.ASGI, match=catch_all))

    assert _lines(made) == ["/about/ wsgi", "/… asgi"]
    assert _upgrades(made) == ["/about/ asgi"]


def test_a_pinned_prefix_of_wsgi_stays_one() -> None:
    """The path without the slash is not below the pin, and is for the pin behind it."""
    made = plan(
        verdict("/api/v2/lots/"),
        tandem={"ROUTES": [("/api/v2/", "wsgi"), ("/api/", "asgi")]},
    )

    assert _lines(made) == ["/api/v2 asgi", "/api/v2… wsgi", "/api… asgi", "/… wsgi"]


def test_a_pinned_path_of_asgi_within_a_pinned_prefix_of_wsgi_widens_it() -> None:
    """It comes first, so not all below the prefix is for WSGI."""
    pins = [("=/api/v2/live", "asgi"), ("/api/v2/", "wsgi"), ("/api/", "asgi")]
    made = plan(verdict("/api/v2/live"), tandem={"ROUTES": pins})

    assert _lines(made) == ["/api… asgi", "/… wsgi"]


def test_a_stripped_prefix_is_replaced() -> None:
    """What is below it needs no match, and a path that WSGI keeps stays whole."""
    pins = [("/mcp/health/", "wsgi"), ("/mcp/", "asgi", {"STRIP": True})]
    made = plan(verdict("/mcp/tools/"), tandem={"ROUTES": pins})

    assert _lines(made) == [
        "/mcp/health asgi as /health",
        "/mcp/health… wsgi",
        "/mcp… asgi as /",
        "/… wsgi",
    ]
    assert _upgrades(made) == ["/mcp/health… asgi as /health", "/… asgi"]


def test_the_script_name_is_in_front_of_each_path() -> None:
    """The gateway passes it on, and each stack takes it off the path."""
    pins = [("/mcp/", "asgi", {"STRIP": True})]
    made = plan(verdict("/feed/", Stack.ASGI), tandem={"ROUTES": pins}, script_name="/app/")

    assert _lines(made) == ["/app/feed/ asgi", "/app/mcp… asgi as /app", "/app… wsgi"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"script_name": "/café"},
            'FORCE_SCRIPT_NAME is "/café", which a gateway can\'t match.\n'
            "  Use letters, digits and -._~ alone, or the gateway `edge`.",
        ),
        (
            {"tandem": {"ROUTES": [("/@mcp/", "asgi", {"STRIP": True})]}},
            'TANDEM["ROUTES"] strips "/@mcp", which a gateway can\'t match.\n'
            "  Use letters, digits and -._~ alone, or the gateway `edge`.",
        ),
    ],
)
def test_a_prefix_that_must_be_matched_exactly_is_refused(changes, message) -> None:
    """A wider one would remove the wrong part of a path."""
    with pytest.raises(SettingError) as caught:
        lower(plan(verdict("/feed/", Stack.ASGI), **changes))

    assert str(caught.value) == message


def test_the_urlconfs_that_a_middleware_chooses_count_too() -> None:
    """A path goes to ASGI where one of them has it there, whichever the request's is."""
    coroutine = View(dotted="shop.views.feed", is_coroutine=True)
    other = OtherUrlconf(
        module="shop.urls",
        routes=(verdict("/feed/", view=coroutine).route, verdict("/lots/", view=coroutine).route),
    )
    made = plan(verdict("/lots/"), verdict("/feed/"), other_urlconfs=(other,))

    assert _lines(made) == ["/feed/ asgi", "/lots/ asgi", "/… wsgi"]


def test_a_websocket_route_alone_needs_no_match_of_its_path() -> None:
    """A plain request to it is Django's to answer."""
    made = plan(verdict("/ws/", Stack.ASGI, protocol=Protocol.WEBSOCKET))

    assert _lines(made) == ["/… wsgi"]


def test_more_paths_than_fit_are_merged_to_prefixes() -> None:
    """Nothing is dropped."""
    many = [verdict(f"/a{n}/feed/", Stack.ASGI) for n in range(MOST_ASGI_PATHS + 1)]

    assert _lines(plan(*many)) == ["/… asgi"]


def _fitted(paths: list[str], wsgi: list[str], most: int) -> list[str]:
    routes = [
        WsgiRoute(pattern=text, prefixes=(LiteralPrefix(text=text, is_whole=True),))
        for text in wsgi
    ]
    found = fit({GatewayPath(path=path) for path in paths}, routes, most)
    return sorted(path.path + ("…" if path.is_prefix else "") for path in found)


def test_the_prefix_that_takes_the_fewest_routes_of_wsgi_is_merged_first() -> None:
    """Of those that take as many, the longest."""
    paths = ["/a/1/", "/a/2/", "/b/c/1/", "/b/c/2/", "/d/1/"]

    assert _fitted(paths, ["/a/x/"], 4) == ["/a/1/", "/a/2/", "/b/c…", "/d/1/"]
    assert _fitted(paths, ["/b/c/x/", "/b/c/y/", "/a/x/"], 4) == [
        "/a…",
        "/b/c/1/",
        "/b/c/2/",
        "/d/1/",
    ]
    assert _fitted(paths, [], 1) == ["/…"]
    assert _fitted(paths, [], 5) == sorted(paths)


def test_the_report_names_what_was_widened_and_what_goes_along() -> None:
    """A rule that became an exact match takes nothing."""
    made = plan(
        verdict("/feed/", Stack.ASGI),
        verdict("/news/<slug>/", Stack.ASGI, **_below("/news/")),
        verdict("/news/<int>/print/", **_below("/news/", r"[0-9]+/print/\z")),
        verdict("/news/archive/"),
        tandem={"ROUTES": [("/mcp/", "asgi")]},
    )

    rules = lower(made).rules

    assert [(rule.origin, rule.is_exact, rule.wsgi_routes) for rule in rules] == [
        ("/mcp/", True, ()),
        ("/feed/", True, ()),
        ("/news/<slug>/", False, ("/news/<int>/print/", "/news/archive/")),
    ]


def test_a_branch_that_is_not_followed_goes_to_asgi() -> None:
    """Its views are not known, and ASGI serves each of them."""
    match = PathMatch(pcre="^/loop/", prefix="/loop/", why_inexact="a URLconf that includes itself")
    made = plan(verdict("/feed/", Stack.ASGI), verdict("/loop/…", match=match, is_branch=True))

    assert _lines(made) == ["/feed/ asgi", "/loop… asgi", "/… wsgi"]

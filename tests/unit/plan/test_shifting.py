"""The routes that can be shifted, and the reasons why others can't be."""

import pytest

from builders import block, plan, verdict, websocket
from django_tandem.errors import RefusedError
from django_tandem.model import PathMatch, Stack, View
from django_tandem.plan.shifting import find_verdict, refuse

NAMED = {"name": "reports", "view": View(dotted="shop.views.reports")}


def why(each, made, to=Stack.ASGI, blocks=()) -> tuple[str, str]:
    with pytest.raises(RefusedError) as raised:
        refuse(each, to, made, blocks)
    return raised.value.message, raised.value.hint


def both(*verdicts, **changes):
    return plan(*verdicts, websocket("/ws/"), **changes)


@pytest.mark.parametrize("target", ["/reports/", "reports", "shop.views.reports"])
def test_a_route_is_named_by_its_pattern_its_name_or_its_view(target) -> None:
    """As `tandem plan` prints it."""
    wanted = verdict("/reports/", **NAMED)

    assert find_verdict(target, [verdict("/other/"), wanted]) is wanted


def test_an_unknown_route_is_refused_with_the_closest_name() -> None:
    """It is mistyped, most likely."""
    with pytest.raises(RefusedError) as raised:
        find_verdict("/report/", [verdict("/reports/")])

    assert str(raised.value) == (
        '"/report/" is not a route of the project.\n  Did you mean "/reports/"?'
    )


def test_a_name_of_several_routes_is_refused() -> None:
    """A namespace, or a view with two URLs."""
    view = View(dotted="shop.views.reports")
    with pytest.raises(RefusedError) as raised:
        find_verdict("shop.views.reports", [verdict("/a/", view=view), verdict("/b/", view=view)])

    assert str(raised.value) == (
        '"shop.views.reports" names 2 routes, and the command takes one.\n'
        "  Name one by its pattern: /a/, /b/."
    )


def test_a_route_of_the_other_stack_can_be_shifted() -> None:
    """In both directions."""
    on_asgi = verdict("/b/", Stack.ASGI)
    made = both(verdict("/a/"), on_asgi)

    assert refuse(verdict("/a/"), Stack.ASGI, made, ()) is None
    assert refuse(on_asgi, Stack.WSGI, made, ()) is None


def test_a_route_that_is_there_already_is_refused() -> None:
    """With the reason of its verdict."""
    each = verdict("/a/", Stack.ASGI)

    assert why(each, both(each))[0] == "/a/ is on ASGI already: as the test has it."


def test_a_websocket_and_a_stream_are_refused() -> None:
    """Neither has an end."""
    stream = verdict("/s/", view=View(dotted="views.s", is_event_stream=True))
    generator = verdict("/g/", view=View(dotted="views.g", is_async_stream=True))

    assert why(websocket("/ws/"), both(), Stack.WSGI)[0] == (
        "/ws/ is a WebSocket, which ASGI alone can serve."
    )
    assert why(stream, both(stream))[0] == (
        "/s/ is an event stream, which may never end: its sides can't be compared."
    )
    assert why(generator, both(generator))[0] == (
        "/g/ is an async generator's stream, which may never end: its sides can't be compared."
    )


def test_a_route_of_asgi_py_alone_is_refused() -> None:
    """WSGI has the URLconf, and no more."""
    each = verdict("/a/", Stack.ASGI, by_django=False)

    assert why(each, both(each), Stack.WSGI)[0] == (
        "/a/ is served by asgi.py alone, so WSGI does not have it."
    )


def test_a_route_whose_paths_are_not_known_exactly_is_refused() -> None:
    """Requests of other routes would be shifted as well."""
    match = PathMatch(pcre="^/a/", prefix="/a/", why_inexact="it has a converter")
    each = verdict("/a/<x>/", match=match)

    assert why(each, both(each))[0] == (
        "The edge can't distinguish /a/<x>/ from other routes: it has a converter."
    )


def test_a_blocked_route_is_refused() -> None:
    """No stack serves it."""
    each = verdict("/a/")

    assert why(each, both(each), blocks=[block("/a/", target="/a/")]) == (
        '/a/ is blocked by "/a/", so no stack serves it.',
        "Unblock it first: `tandem unblock /a/`.",
    )


def test_a_path_that_is_stripped_is_refused() -> None:
    """The stacks would get two paths."""
    each = verdict("/a/b/")
    tandem = {"ROUTES": [("/a/", "asgi", {"STRIP": True})]}
    made = both(each, tandem=tandem)

    assert why(each, made)[0] == 'TANDEM["ROUTES"] strips "/a/" from the paths of /a/b/.'


def test_what_a_stack_lacks_is_named() -> None:
    """The monitor, an edge, another program, or ASGI itself."""
    each = verdict("/a/")
    peers = {"PEERS": {"WSGI": ["10.0.0.1:9000"], "ASGI": ["10.0.0.2:9000"], "SECRET": "s" * 32}}

    assert why(each, both(each, tandem={"MONITOR": False}))[0] == (
        'TANDEM["MONITOR"] is False, so the two sides can\'t be compared.'
    )
    assert why(each, plan(each))[0] == (
        "Nothing in this project needs ASGI, so no such server runs."
    )
    assert why(each, both(each, tandem=peers, roles="edge"))[0] == (
        "Only the edge runs on this host, and a shift needs a second program."
    )
    assert why(each, both(each, tandem=peers, roles="workers,wsgi"))[0] == (
        "This host has no edge, and only an edge can split a route's requests."
    )

"""The notes of a plan: what is not started, not known, or without effect."""

from dataclasses import replace

import pytest

from builders import plan, route, verdict, websocket
from django_tandem.model import OtherUrlconf, PathMatch, Stack, View

DISPATCHER = {"asgi_dispatcher": "mysite.asgi.application (mysite/asgi.py:9)"}


def test_a_dispatcher_has_asgi_started_and_is_named() -> None:
    """Whether it needs ASGI is not known, so no note claims that nothing needs it."""
    made = plan(verdict("/"), **DISPATCHER)

    assert Stack.ASGI in made.edge.stacks
    assert made.notes == (
        "mysite.asgi.application (mysite/asgi.py:9) chooses by the path itself, so the paths that "
        "it serves without Django are not known. ASGI gets none. "
        'Pin the others in TANDEM["ROUTES"], such as ("/path/", "asgi").',
    )


def test_the_paths_that_were_found_are_listed() -> None:
    """With what they were found in."""
    named = verdict(
        "/mcp…", Stack.ASGI, by_django=False, view=View(dotted="mysite.asgi.application")
    )
    (note,) = plan(named, **DISPATCHER).notes

    assert "are not known. ASGI gets those that its code names: /mcp. Pin the others" in note


def test_a_pin_for_a_dispatcher_is_not_without_effect() -> None:
    """It may well serve the path."""
    tandem = {"ROUTES": [("/mcp/", "asgi"), ("/other/", "wsgi")]}
    notes = plan(verdict("/a/"), tandem=tandem, **DISPATCHER).notes

    assert [note for note in notes if "no route" in note] == [
        'TANDEM["ROUTES"][1]: no route begins with "/other/".'
    ]


def test_long_polling_gets_one_process_or_a_note() -> None:
    """By itself with "auto", else in words."""
    auto = plan(websocket("/socket.io/"), needs_one_asgi_process=True)
    two = plan(
        websocket("/socket.io/"), tandem={"ASGI": {"WORKERS": 2}}, needs_one_asgi_process=True
    )

    assert auto.served[Stack.ASGI].workers == 1
    assert auto.notes == (
        "Socket.IO's long polling needs every request of a session in one process, so one ASGI "
        "process is started.",
    )
    assert two.notes == (
        "Socket.IO's long polling needs every request of a session in one process, so "
        'TANDEM["ASGI"]["WORKERS"] = 2 breaks it. Set it to 1, or allow transports=["websocket"] '
        "only.",
    )


LIVE = View(dotted="live.events", is_coroutine=True)
OTHER = OtherUrlconf(module="live_urls", routes=(route("/events/", view=LIVE), route("/a/")))


def test_an_async_view_of_another_hosts_urlconf_has_asgi_started() -> None:
    """The handover reaches it; without one ASGI would serve nothing."""
    made = plan(verdict("/"), other_urlconfs=(OTHER,))
    alone = plan(verdict("/"), other_urlconfs=(OTHER,), tandem={"HANDOVER": False})

    assert Stack.ASGI in made.edge.stacks
    assert made.notes == (
        "A middleware may choose live_urls: 1 of 2 routes there belong on ASGI, by the handover: "
        "the middleware runs on both stacks for them.",
    )
    assert Stack.ASGI not in alone.edge.stacks


def test_a_middleware_whose_urlconfs_are_not_known_is_named() -> None:
    """No note then claims that nothing needs ASGI."""
    (note,) = plan(verdict("/"), urlconf_setters=("shop.Hosts",)).notes

    assert note == (
        "shop.Hosts sets request.urlconf, and the URLconfs that it chooses are not known: name "
        'them in TANDEM["URLCONFS"], as their async views may need ASGI.'
    )


def test_a_pin_of_an_inexact_route_names_the_middleware_that_runs_twice() -> None:
    """ASGI gets paths of synchronous views, and resolves them behind the middleware."""
    inexact = PathMatch(pcre="/feed", prefix="/feed", why_inexact="a converter")
    pinned = replace(verdict("/feed/", Stack.ASGI, name="feed", match=inexact), pin=0)
    tandem = {"ROUTES": [("feed", "asgi")]}
    (note,) = plan(pinned, tandem=tandem).notes

    assert note == (
        'TANDEM["ROUTES"][0]: ASGI gets all paths that /feed/ may match. It hands over those of '
        "synchronous views, and the middleware runs on both stacks for them."
    )
    assert plan(pinned, tandem={**tandem, "HANDOVER": False}).notes == ()


@pytest.mark.parametrize(
    ("pin", "note"),
    [
        (("/wiat/", "asgi"), 'no route begins with "/wiat/". Did you mean "/wait/"?'),
        (("=/wait/loong/", "asgi"), 'no route matches "/wait/loong/". Did you mean "/wait/long/"?'),
        (
            ("/app/wait/", "asgi"),
            'no route begins with "/app/wait/". Leave out FORCE_SCRIPT_NAME: "/wait/".',
        ),
        (("/ws/", "wsgi"), '"/ws/" has only WebSockets, and they stay on ASGI.'),
        (("/wait/", "wsgi"), None),
    ],
)
def test_a_pin_of_paths_without_effect_is_a_note(pin, note) -> None:
    """The page at "/" does not match below itself."""
    verdicts = (verdict("/"), verdict("/wait/long/"), websocket("/ws/chat/"))
    notes = plan(*verdicts, tandem={"ROUTES": [pin]}, script_name="/app").notes

    expected = [] if note is None else [f'TANDEM["ROUTES"][0]: {note}']
    assert [each for each in notes if "ROUTES" in each] == expected

"""What begins with the first scope of a process, and what ends with its lifespan."""

import pytest
from inprocess.calling import call, http, websocket

from django_tandem.inprocess.asgi_layers import AsgiLifespan
from django_tandem.inprocess.readiness import AsgiReadiness
from django_tandem.inprocess.scoreboard import Scoreboard
from django_tandem.inprocess.scoreboard_layers import AsgiScoreboard
from django_tandem.model.readiness import READY_PATH
from django_tandem.runtime.workers import read_slots

LIFESPAN = {"type": "lifespan"}
MESSAGES = ({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})


def on_loop(application):
    """Return one that is called on the running loop, as a server does."""

    async def served(scope, receive, send):
        await application(scope, receive, send)

    return served


@pytest.fixture
def events():
    """What has happened, in order."""
    return []


@pytest.fixture
def lifespan(events):
    """Return a function that puts the layer around an application."""

    async def wait():
        events.append("waited")

    def of(application):
        return AsgiLifespan(
            application,
            begin=lambda: events.append("begun"),
            before_shutdown=wait,
            at_end=(lambda: events.append("flushed"), lambda: events.append("removed")),
        )

    return of


def test_what_ends_has_ended_before_the_server_has_the_last_message(events, lifespan):
    """Some servers end by a signal as soon as they have it; the project has shut down by then."""

    async def project(scope, receive, send):
        for _ in MESSAGES:
            message = await receive()
            events.append(message["type"])
            await send({"type": f"{message['type']}.complete", "before": tuple(events)})

    startup, shutdown = call(lifespan(project), LIFESPAN, *MESSAGES)

    assert startup["before"] == ("begun", "lifespan.startup")
    expected = ["begun", "lifespan.startup", "waited", "lifespan.shutdown", "flushed", "removed"]
    assert events == expected
    assert shutdown["type"] == "lifespan.shutdown.complete"


def test_a_project_that_fails_as_it_shuts_down_ends_too(events, lifespan):
    """Its error reaches the server."""

    async def project(scope, receive, send):
        for _ in MESSAGES:
            await receive()
        raise ValueError("It fails.")

    with pytest.raises(ValueError, match=r"It fails\."):
        call(lifespan(project), LIFESPAN, *MESSAGES)

    assert events == ["begun", "waited", "flushed", "removed"]


def test_a_project_without_a_lifespan_does_not_end_with_it(events, lifespan):
    """Its server serves without."""

    async def project(scope, receive, send):
        await receive()

    call(lifespan(project), LIFESPAN, *MESSAGES)

    assert events == ["begun"]


@pytest.mark.parametrize("scope", [http(), websocket()])
def test_other_scopes_are_passed_on(events, lifespan, scope):
    """Each begins the process, as some servers have no lifespan."""
    scopes = []

    async def project(scope, receive, send):
        scopes.append(scope)

    call(lifespan(project), scope)

    assert scopes == [scope]
    assert events == ["begun"]


@pytest.mark.parametrize("is_ending", [True, False])
def test_the_slot_ends_with_the_lifespan(tmp_path, is_ending):
    """Not with that of an application which has none."""
    board = Scoreboard(tmp_path, "asgi", 1, dict)

    async def project(scope, receive, send):
        await receive()
        if is_ending:
            await receive()

    layer = AsgiLifespan(project, begin=board.start_on_loop, at_end=(board.remove,))
    call(on_loop(layer), LIFESPAN, *MESSAGES)

    assert bool(read_slots(tmp_path)) is not is_ending
    board.remove()


def test_a_health_check_opens_the_slot_and_is_no_request(tmp_path):
    """It is sent before the generation is live, so that each process has a slot by then."""
    board = Scoreboard(tmp_path, "asgi", 1, dict)

    async def project(scope, receive, send):
        raise AssertionError(scope)

    layers = AsgiReadiness(AsgiScoreboard(project, board))
    process = AsgiLifespan(layers, begin=board.start_on_loop)
    sent = call(on_loop(process), http(path=READY_PATH))
    (slot,) = read_slots(tmp_path)
    board.remove()

    assert sent[0]["status"] == 200
    assert slot.requests == 0

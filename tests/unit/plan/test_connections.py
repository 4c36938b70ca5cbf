"""An ASGI process takes so many WebSockets and event streams as its machine has room for."""

import pytest

from builders import host, plan, verdict, websocket
from django_tandem import environment
from django_tandem.model import ConnectionAges, ConnectionLimits, Stack, read_limits
from django_tandem.plan.connections import auto_connections


@pytest.mark.parametrize(
    ("memory_mb", "open_files", "workers", "connections"),
    [
        (4096, 1_048_576, 1, 8192),
        (4096, 1_048_576, 4, 2048),
        (400, 1_048_576, 1, 800),
        (400, 1024, 1, 384),
        (65_536, 65_536, 2, 32_640),
        (64, 1024, 4, 32),
        (16, 256, 4, 16),
    ],
    ids=["memory", "workers", "container", "ulimit", "large", "small", "least"],
)
def test_auto_follows_the_memory_and_the_descriptors(
    memory_mb, open_files, workers, connections
) -> None:
    """A quarter of the memory at 128 kB each, and half of the descriptors for each kind."""
    machine = host(memory_mb=memory_mb, open_files=open_files)

    assert auto_connections(machine, workers) == connections


def test_a_setting_takes_precedence() -> None:
    """Each by itself; the age is no bound unless it is set."""
    asgi = {"MAX_STREAMS": 5, "MAX_AGE_S": {"WEBSOCKETS": "12h"}, "WORKERS": 2}
    found = plan(websocket("/ws/"), tandem={"ASGI": asgi})

    ages = ConnectionAges(websockets_s=12 * 3600)
    assert found.connections == ConnectionLimits(websockets=4096, streams=5, ages=ages)


def test_the_bounds_reach_the_servers() -> None:
    """In the environment of the process, from which the served project reads them."""
    found = plan(websocket("/ws/"), tandem={"ASGI": {"MAX_AGE_S": 60}})
    texts = [dict(each.environment).get(environment.CONNECTIONS) for each in found.processes]

    assert [read_limits(text) for text in texts if text] == [found.connections]


def test_without_asgi_there_are_none() -> None:
    """WSGI has no WebSockets, and its workers bound its streams."""
    assert plan(verdict("/", Stack.WSGI)).connections is None


@pytest.mark.parametrize(
    ("asgi", "open_files", "each"),
    [
        ({"MAX_WEBSOCKETS": 100, "MAX_STREAMS": 100}, 1_048_576, 4096),
        ({"MAX_WEBSOCKETS": 10_000, "MAX_STREAMS": 100}, 1_048_576, 10_356),
        ({"MAX_WEBSOCKETS": 10_000, "MAX_STREAMS": 100}, 8192, 8192),
    ],
)
def test_each_program_may_open_as_many_files_as_its_bounds_take(asgi, open_files, each) -> None:
    """Up to the hard limit of this machine."""
    found = plan(websocket("/ws/"), tandem={"ASGI": asgi}, on=host(open_files=open_files))

    assert found.open_files == each


@pytest.mark.parametrize(
    ("asgi", "shown", "needed"),
    [
        ({"MAX_WEBSOCKETS": 10_000}, 'TANDEM["ASGI"]["MAX_WEBSOCKETS"] = 10000', 14_224),
        (
            {"MAX_WEBSOCKETS": 10_000, "MAX_STREAMS": 100},
            'TANDEM["ASGI"]["MAX_WEBSOCKETS"] = 10000 and TANDEM["ASGI"]["MAX_STREAMS"] = 100',
            10_356,
        ),
    ],
    ids=["one", "both"],
)
def test_bounds_above_the_limit_of_open_files_are_a_note(asgi, shown, needed) -> None:
    """With what to raise."""
    asgi = {"WORKERS": 1, **asgi}
    found = plan(websocket("/ws/"), tandem={"ASGI": asgi}, on=host(open_files=8192))

    assert found.notes[-1] == (
        f"With {shown} an ASGI process may need {needed} open files, and 8192 are allowed here: "
        "connections fail before the bounds are reached. Lower the bounds, or raise the limit: "
        "`ulimit -n`, or LimitNOFILE= of a systemd unit."
    )


@pytest.mark.parametrize(
    ("asgi", "open_files"),
    [({}, 64), ({"MAX_WEBSOCKETS": 100, "MAX_STREAMS": 100}, 456), ({"MAX_AGE_S": 60}, 300)],
    ids=["auto, smallest", "exact", "age"],
)
def test_bounds_within_the_limit_of_open_files_are_none(asgi, open_files) -> None:
    """Nor those that tandem chose itself."""
    found = plan(websocket("/ws/"), tandem={"ASGI": asgi}, on=host(open_files=open_files))

    assert not [note for note in found.notes if note.startswith("With TANDEM")]


@pytest.mark.parametrize(
    "limits",
    [
        ConnectionLimits(),
        ConnectionLimits(websockets=1, streams=2, ages=ConnectionAges(streams_s=3)),
    ],
)
def test_the_text_of_the_bounds_is_read_back(limits) -> None:
    """As the plan writes it, and the process reads it."""
    assert read_limits(limits.as_text()) == limits

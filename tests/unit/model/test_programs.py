"""What the name of a program reveals, once the plan of its generation is forgotten."""

import pytest

from django_tandem.model import Stack
from django_tandem.model.programs import (
    generation_of,
    is_master,
    is_named,
    kinds_of,
    log_names,
    socket_names,
)


def test_the_generation_is_read_from_the_program_name() -> None:
    """It is 0 for a program that no reload replaces."""
    assert generation_of("celery-beat-12") == 12
    assert generation_of("nginx") == 0
    assert generation_of("celery-beat") == 0


def test_the_sockets_of_a_program_are_known_by_its_name() -> None:
    """A program that is no server has none."""
    assert socket_names("wsgi-2") == {Stack.WSGI: "wsgi-2"}
    assert socket_names("asgi-12") == {Stack.ASGI: "asgi-12"}
    assert socket_names("master-3") == {Stack.WSGI: "wsgi-3", Stack.ASGI: "asgi-3"}
    assert socket_names("channels-2") == socket_names("nginx") == socket_names("wsgi") == {}


def test_the_workers_of_a_shared_master_have_their_own_names() -> None:
    """Those of the programs that they would be without it, so that their logs are found."""
    assert is_master("master-3")
    assert not is_master("wsgi-3")
    assert kinds_of("master-3") == {"wsgi": "wsgi-3", "asgi": "asgi-3", "channels": "channels-3"}
    assert log_names("master-3") == ("wsgi-3", "asgi-3", "channels-3", "master-3")
    assert (log_names("wsgi-3"), log_names("nginx")) == (("wsgi-3",), ("nginx",))


@pytest.mark.parametrize(
    ("name", "is_so"),
    [
        ("tasks", True),
        ("tasks-1", True),
        ("tasks-1-2", True),
        ("task", False),
        ("tasks-2", False),
        ("tasks-", False),
        ("tasks-1-2-3", False),
    ],
)
def test_a_program_is_named_with_or_without_its_numbers(name, is_so) -> None:
    """That of its generation, and that of its replica before it."""
    assert is_named("tasks-1-2", name) is is_so
    assert is_named("celery-beat-1", "celery-beat")
    assert not is_named("celery-beat-1", "celery")

"""What the name of a program reveals, once the plan of its generation is forgotten."""

from django_tandem.model import Stack
from django_tandem.model.programs import generation_of, listeners


def test_the_generation_is_read_from_the_program_name() -> None:
    """It is 0 for a program that no reload replaces."""
    assert generation_of("celery-beat-12") == 12
    assert generation_of("nginx") == 0
    assert generation_of("celery-beat") == 0


def test_the_sockets_of_a_program_are_known_by_its_name() -> None:
    """A program that is no server has none."""
    assert listeners("wsgi-2") == {Stack.WSGI: "wsgi-2"}
    assert listeners("asgi-12") == {Stack.ASGI: "asgi-12"}
    assert listeners("channels-2") == listeners("nginx") == listeners("wsgi") == {}

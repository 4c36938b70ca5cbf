"""A server is found by its name, among those of its stack."""

import pytest

from django_tandem.errors import SettingError
from django_tandem.model import Stack
from django_tandem.servers import ASGI_SERVERS, WSGI_SERVERS, find


def test_the_defaults_come_first():
    """What is served when nothing is set."""
    assert (WSGI_SERVERS[0].name, ASGI_SERVERS[0].name) == ("gunicorn", "uvicorn")


@pytest.mark.parametrize("stack", Stack)
def test_granian_is_the_one_of_the_stack(stack):
    """One name stands for two ways to start it."""
    assert find(stack, "granian").stack is stack


def test_a_misspelt_name_is_corrected():
    """The hint names the server that was meant."""
    with pytest.raises(SettingError) as wrong:
        find(Stack.WSGI, "gunicron")

    assert str(wrong.value) == (
        'TANDEM["WSGI"]["SERVER"] is "gunicron".\n  Did you mean "gunicorn"?'
    )


def test_a_name_of_the_other_stack_is_answered_with_the_servers_there_are():
    """Gunicorn's own ASGI worker is not among them."""
    with pytest.raises(SettingError) as wrong:
        find(Stack.ASGI, "gunicorn")

    assert str(wrong.value) == (
        'TANDEM["ASGI"]["SERVER"] is "gunicorn".\n'
        "  Expected one of: uvicorn, daphne, hypercorn, granian."
    )

"""A server is found by its name, among those of its stack."""

from dataclasses import replace

import pytest

from django_tandem.errors import SettingError
from django_tandem.model import Stack
from django_tandem.servers import ASGI_SERVERS, WSGI_SERVERS, Launch, find

LAUNCH = Launch(python="python", application="a:b", socket="/s", workers=1, timeout_s=1, grace_s=1)


def test_the_defaults_come_first():
    """What is served when nothing is set."""
    assert (WSGI_SERVERS[0].name, ASGI_SERVERS[0].name) == ("gunicorn", "uvicorn")


@pytest.mark.parametrize("stack", Stack)
def test_granian_is_the_one_of_the_stack(stack):
    """One name stands for two ways to start it."""
    assert find(stack, "granian").stack is stack


@pytest.mark.parametrize("stack", Stack)
def test_granian_gets_no_longer_grace_than_it_takes(stack):
    """It would not start with a longer one."""
    argv = find(stack, "granian").argv(replace(LAUNCH, grace_s=3600))

    assert "--workers-kill-timeout=1800" in argv


def test_a_misspelt_name_is_corrected():
    """The hint names the server that was meant."""
    with pytest.raises(SettingError) as wrong:
        find(Stack.WSGI, "gunicron")

    assert str(wrong.value) == (
        'TANDEM["WSGI"]["SERVER"] is "gunicron".\n  Did you mean "gunicorn"?'
    )


def test_gunicorn_serves_either_stack():
    """Each with its own worker."""
    assert "--worker-class=asgi" in find(Stack.ASGI, "gunicorn").argv(LAUNCH)
    assert "--worker-class=asgi" not in find(Stack.WSGI, "gunicorn").argv(LAUNCH)


def test_a_name_of_the_other_stack_is_answered_with_the_servers_there_are():
    """It is no typing error."""
    with pytest.raises(SettingError) as wrong:
        find(Stack.ASGI, "waitress")

    assert str(wrong.value) == (
        'TANDEM["ASGI"]["SERVER"] is "waitress".\n'
        "  Expected one of: uvicorn, daphne, hypercorn, granian, gunicorn."
    )

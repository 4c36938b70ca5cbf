"""The number of threads: by the environment, else by the setting, else by the CPUs."""

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import override_settings

from django_tandem import environment
from django_tandem.asgi import get_asgi_application
from django_tandem.errors import SettingError
from django_tandem.handler import pools
from django_tandem.handler.application import is_supported
from django_tandem.inprocess.handler_choice import with_our_handler


def test_auto_is_four_more_than_the_cpus_up_to_twelve(monkeypatch):
    """As in Python's own pool; each may be a database connection."""
    monkeypatch.delenv(environment.THREADS, raising=False)
    for cpus, threads in ((1, 5), (2, 6), (64, 12)):
        monkeypatch.setattr(pools, "_cpu_count", lambda cpus=cpus: cpus)

        assert pools.thread_count() == threads


def test_the_setting_counts_without_tandem_up(monkeypatch):
    """A project that only changed its import has TANDEM too."""
    monkeypatch.delenv(environment.THREADS, raising=False)
    with override_settings(TANDEM={"ASGI": {"THREADS": 3}}):
        assert pools.thread_count() == 3
    with override_settings(TANDEM={"ASGI": {}}):
        assert pools.thread_count() >= 5


def test_a_wrong_number_is_an_error_when_the_application_is_made(monkeypatch):
    """And not at the first request."""
    monkeypatch.delenv(environment.THREADS, raising=False)
    with override_settings(TANDEM={"ASGI": {"THREADS": 0}}), pytest.raises(SettingError):
        get_asgi_application()


def test_the_environment_takes_precedence(monkeypatch):
    """`tandem up` has read the setting, and passes it on."""
    monkeypatch.setenv(environment.THREADS, "7")
    with override_settings(TANDEM={"ASGI": {"THREADS": 3}}):
        assert pools.thread_count() == 7


@pytest.mark.parametrize("wrong", [0, -1, "many", True, 2.5, None])
def test_any_other_value_is_an_error(monkeypatch, wrong):
    """It names the setting and the value."""
    monkeypatch.delenv(environment.THREADS, raising=False)
    with (
        override_settings(TANDEM={"ASGI": {"THREADS": wrong}}),
        pytest.raises(SettingError) as raised,
    ):
        pools.thread_count()

    assert str(raised.value) == (
        f'TANDEM["ASGI"]["THREADS"] is {wrong!r}.\n  Expected an integer of at least 1, or "auto".'
    )


@pytest.mark.parametrize(("variable", "setting"), [("django", "auto"), (None, "django")])
def test_the_setting_keeps_djangos_handler(monkeypatch, variable, setting):
    """By the environment of `tandem up`, and without it."""
    monkeypatch.delenv(environment.HANDLER, raising=False)
    if variable:
        monkeypatch.setenv(environment.HANDLER, variable)
    with override_settings(TANDEM={"ASGI": {"HANDLER": setting}}):
        handler = get_asgi_application()
        application = ASGIHandler()
        assert with_our_handler(application) is application

    assert type(handler) is ASGIHandler


def test_an_unknown_django_keeps_its_handler(monkeypatch, caplog):
    """One warning is logged, however often it is looked up."""
    monkeypatch.setattr("django_tandem.fingerprints.known", dict)
    is_supported.cache_clear()
    try:
        handlers = [get_asgi_application() for _ in range(2)]
    finally:
        is_supported.cache_clear()

    assert {type(handler) for handler in handlers} == {ASGIHandler}
    (message,) = caplog.messages
    assert message.startswith("django.core.handlers.base.BaseHandler.load_middleware and ")
    assert message.endswith("that django-tandem knows. Django's own ASGI handler serves.")

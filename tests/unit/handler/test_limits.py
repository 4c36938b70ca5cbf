"""How many threads there are: by the environment, else by the setting, else by the CPUs."""

import pytest
from django.test import override_settings

from django_tandem.asgi import get_asgi_application
from django_tandem.errors import SettingError
from django_tandem.handler import limits


def test_auto_is_four_more_than_the_cpus_up_to_a_dozen(monkeypatch):
    """As Python's own pool has it; each is a database connection."""
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    for cpus, threads in ((1, 5), (2, 6), (64, 12)):
        monkeypatch.setattr(limits, "_cpu_count", lambda cpus=cpus: cpus)

        assert limits.thread_count() == threads


def test_the_setting_says_it_without_tandem_up(monkeypatch):
    """A project that only changed its import has TANDEM too."""
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    with override_settings(TANDEM={"ASGI": {"THREADS": 3}}):
        assert limits.thread_count() == 3
    with override_settings(TANDEM={"ASGI": {}}):
        assert limits.thread_count() >= 5


def test_a_wrong_number_is_told_when_the_application_is_made(monkeypatch):
    """And not to the first visitor."""
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    with override_settings(TANDEM={"ASGI": {"THREADS": 0}}), pytest.raises(SettingError):
        get_asgi_application()


def test_the_environment_comes_first(monkeypatch):
    """`tandem up` has read the setting, and hands it on."""
    monkeypatch.setenv(limits.VARIABLE, "7")
    with override_settings(TANDEM={"ASGI": {"THREADS": 3}}):
        assert limits.thread_count() == 7


@pytest.mark.parametrize("wrong", [0, -1, "many", True, 2.5, None])
def test_anything_else_is_refused_in_the_words_of_the_setting(monkeypatch, wrong):
    """With the user's own value."""
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    with (
        override_settings(TANDEM={"ASGI": {"THREADS": wrong}}),
        pytest.raises(SettingError) as raised,
    ):
        limits.thread_count()

    assert str(raised.value) == (
        f'TANDEM["ASGI"]["THREADS"] is {wrong!r}.\n  Expected an integer of at least 1, or "auto".'
    )

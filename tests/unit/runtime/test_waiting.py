"""Polling ends when its condition holds, or when its time is over."""

import time

import pytest

from django_tandem.runtime.waiting import pause, wait_until


def test_polling_ends_when_the_condition_holds() -> None:
    """Long before the time is over."""
    answers = iter([False, False, True])

    assert wait_until(lambda: next(answers), 60, each_s=0)


def test_a_condition_that_holds_is_checked_once_even_without_time() -> None:
    """A wait of zero seconds is one check."""
    answers = iter([True])

    assert wait_until(lambda: next(answers), 0)


def test_a_condition_that_never_holds_times_out() -> None:
    """The result is False."""
    assert not wait_until(lambda: False, 0.01, each_s=0.001)


@pytest.mark.parametrize(("waited_s", "paused_s"), [(0, 0.05), (1, 0.125), (60, 0.25)])
def test_a_long_wait_polls_less_often(monkeypatch, waited_s, paused_s) -> None:
    """Each poll takes time from the processes that it waits for."""
    paused: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: 100.0 + waited_s)
    monkeypatch.setattr(time, "sleep", paused.append)
    pause(began=100)

    assert paused == [paused_s]

"""What is waited for is asked again and again, and no longer than it may take."""

from django_tandem.runtime.waiting import wait_until


def test_what_comes_to_hold_ends_the_wait() -> None:
    """Long before the time is over."""
    answers = iter([False, False, True])

    assert wait_until(lambda: next(answers), 60, each_s=0)


def test_what_holds_at_once_is_asked_once_without_any_time() -> None:
    """There is nothing to wait for."""
    answers = iter([True])

    assert wait_until(lambda: next(answers), 0)


def test_what_never_holds_is_given_up() -> None:
    """And said."""
    assert not wait_until(lambda: False, 0.01, each_s=0.001)

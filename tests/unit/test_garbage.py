"""Garbage is looked for rarely only while a project is imported."""

import gc
from collections.abc import Iterator

import pytest

from django_tandem import garbage


@pytest.fixture(autouse=True)
def usual() -> Iterator[tuple[int, int, int]]:
    """Return the thresholds of this process, which the test leaves as they were."""
    before = gc.get_threshold()
    yield before
    gc.set_threshold(*before)


def test_the_thresholds_of_before_are_set_again(usual) -> None:
    """A server looks for garbage as often as Python does."""
    with garbage.collected_rarely():
        assert gc.get_threshold()[0] == garbage.RARELY

    assert gc.get_threshold() == usual


def test_the_thresholds_of_a_project_stay() -> None:
    """Its settings may have chosen them for its servers."""
    with garbage.collected_rarely():
        gc.set_threshold(50_000, 20, 30)

    assert gc.get_threshold() == (50_000, 20, 30)

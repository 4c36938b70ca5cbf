"""The parser is not disturbed by the garbage of its process."""

import ast
import gc
from collections.abc import Iterator

import pytest

from django_tandem import syntax

SOURCE = "\n".join(f"def f{number}(a, b=[1, (2, 3)]): return a + b" for number in range(300))


class Garbage:
    """An object in a cycle, whose finalizer parses a source."""

    parsed = 0

    def __init__(self) -> None:
        self.cycle = self

    def __del__(self) -> None:
        ast.parse("[[[1]]]")
        type(self).parsed += 1


@pytest.fixture
def garbage() -> Iterator[None]:
    """Leave an object that Python would collect in the midst of the next parse."""
    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(2_000)
    Garbage()
    yield
    gc.set_threshold(*before)


def test_a_finalizer_that_parses_does_no_harm(garbage) -> None:
    """It runs afterwards, for the collector is on again."""
    before = Garbage.parsed

    assert len(syntax.parse(SOURCE).body) == 300
    assert Garbage.parsed == before
    gc.collect()
    assert Garbage.parsed == before + 1


def test_the_collector_stays_off_where_it_was() -> None:
    """A process may have reasons."""
    gc.disable()
    try:
        syntax.parse("1")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_an_error_leaves_the_collector_on() -> None:
    """The source of a project may be for another Python."""
    with pytest.raises(SyntaxError):
        syntax.parse("def")

    assert gc.isenabled()

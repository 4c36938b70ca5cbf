"""What a call leaves on its thread, of the calls that asgiref submits."""

import asyncio
import functools

import pytest
from asgiref.sync import SyncToAsync
from django.db.models import QuerySet

from django_tandem.handler import internals
from django_tandem.handler.internals import is_original
from django_tandem.handler.leftovers import READS, leaves_nothing, unfinished_generators


class Catching:
    """An executor that keeps what is submitted, and runs nothing."""

    def __init__(self):
        self.calls = []

    def submit(self, call):
        self.calls.append(call)
        raise InterruptedError


def submitted(function, *arguments):
    """Return what asgiref submits for a call of the function."""

    async def submit():
        executor = Catching()
        token = internals.run_on(executor)
        with pytest.raises(InterruptedError):
            await SyncToAsync(function)(*arguments)
        internals.undo_run_on(token)
        return executor.calls[0]

    return asyncio.run(submit())


def other(*_):
    return None


def test_the_reading_methods_of_a_queryset_are_known_by_name():
    """Django passes them to asgiref by these names."""
    for name in READS:
        assert is_original(QuerySet, name)
        assert vars(QuerySet)[name].__name__ == name


def test_only_a_plain_read_leaves_nothing(monkeypatch):
    """Not any other function, nor one that wraps Django's."""
    assert leaves_nothing(submitted(QuerySet().count))
    assert not leaves_nothing(submitted(other))

    monkeypatch.setattr(QuerySet, "count", functools.wraps(QuerySet.count)(lambda self: 0))
    assert not leaves_nothing(submitted(QuerySet().count))


def test_a_generator_that_was_begun_is_unfinished():
    """It belongs to the connection of the thread until its end."""
    rows = (number for number in range(3))
    assert unfinished_generators(submitted(other, rows)) == []

    next(rows)
    assert [each() for each in unfinished_generators(submitted(other, rows))] == [rows]

    list(rows)
    assert unfinished_generators(submitted(other, rows)) == []

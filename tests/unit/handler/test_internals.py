"""The private API of Django and asgiref is as internals.py expects it."""

import functools
import inspect

import pytest
from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.core.handlers.base import BaseHandler
from django.db.models import QuerySet

from django_tandem.handler import internals, leftovers
from django_tandem.handler.internals import is_original


def test_django_adapts_its_chain_by_the_method_that_is_overridden():
    """Its parameters say what is adapted to what."""
    signature = inspect.signature(BaseHandler.adapt_method_mode)

    assert list(signature.parameters) == [
        "self",
        "is_async",
        "method",
        "method_is_async",
        "debug",
        "name",
    ]


def test_asgiref_looks_up_the_executor_by_the_context():
    """There the executor of a request is set."""
    assert hasattr(SyncToAsync, "context_to_thread_executor")
    assert SyncToAsync.thread_sensitive_context.get(None) is None
    assert ThreadSensitiveContext().token is None


def test_the_reading_methods_of_a_queryset_are_known_by_name():
    """Django passes them to asgiref by these names."""
    for name in leftovers.READS:
        assert is_original(QuerySet, name)
        assert vars(QuerySet)[name].__name__ == name


def test_a_call_is_recognised_as_asgiref_submits_it():
    """A plain read, an unfinished generator, or any other."""

    class Catching:
        def __init__(self):
            self.calls = []

        def submit(self, call):
            self.calls.append(call)
            raise InterruptedError

    import asyncio

    async def submitted(function, *arguments):
        executor = Catching()
        token = internals.run_on(executor)
        with pytest.raises(InterruptedError):
            await SyncToAsync(function)(*arguments)
        internals.undo_run_on(token)
        return executor.calls[0]

    def other(*_):
        return None

    rows = (number for number in range(3))
    next(rows)
    assert leftovers.leaves_nothing(asyncio.run(submitted(QuerySet().count)))
    assert not leftovers.leaves_nothing(asyncio.run(submitted(other)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QuerySet, "count", functools.wraps(QuerySet.count)(lambda self: 0))
        assert not leftovers.leaves_nothing(asyncio.run(submitted(QuerySet().count)))
    assert [
        each() for each in leftovers.unfinished_generators(asyncio.run(submitted(other, rows)))
    ] == [rows]
    assert leftovers.unfinished_generators(asyncio.run(submitted(other, 1))) == []

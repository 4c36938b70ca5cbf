"""The private API of Django and asgiref is as internals.py expects it."""

import inspect

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.core.handlers.base import BaseHandler


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

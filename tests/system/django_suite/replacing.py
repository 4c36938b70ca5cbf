"""Our handler instead of Django's, and a count of the requests that each of them was given."""

import multiprocessing
import sys
from collections.abc import Callable
from typing import Any

import django.core.asgi
import django.core.handlers.asgi
import django.test.client
from django.core.handlers.asgi import ASGIHandler
from django.test.client import AsyncClientHandler

import django_tandem.asgi
from django_tandem.handler.application import DjangoApplication
from django_tandem.handler.segmented_handler import SegmentedHandler


class OurClientHandler(SegmentedHandler, AsyncClientHandler):
    """The async test client's handler, with our middleware chain for Django's."""


def counting(*, ours: bool) -> Callable[[], dict[str, int]]:
    """Count requests from now on, with ``ours`` in Django's place; return what reads the counts."""
    # Shared with the processes that a parallel run forks.
    counts = {"ours": multiprocessing.Value("L", 0), "django": multiprocessing.Value("L", 0)}
    for handler in (DjangoApplication, ASGIHandler, AsyncClientHandler):
        _count(handler, counts)
    if ours:
        _replace(ASGIHandler, DjangoApplication)
        _replace(AsyncClientHandler, OurClientHandler)
        _replace(django.core.asgi.get_asgi_application, django_tandem.asgi.get_asgi_application)
    return lambda: {by: count.value for by, count in counts.items()}


def _count(handler: Any, counts: dict[str, Any]) -> None:
    called = handler.__call__

    async def counted(self: Any, *args: Any) -> Any:
        # Ours may hand on to Django's own: that is one request, and ours.
        is_ours = isinstance(self, SegmentedHandler)
        if not is_ours or handler is not ASGIHandler:
            count = counts["ours" if is_ours else "django"]
            with count.get_lock():
                count.value += 1
        return await called(self, *args)

    handler.__call__ = counted


def _replace(stock: Any, ours: Any) -> None:
    # By now Django's own modules may have imported it by name.
    for module in [each for name, each in sys.modules.items() if name.startswith("django.")]:
        for name, value in list(vars(module).items()):
            if value is stock:
                setattr(module, name, ours)

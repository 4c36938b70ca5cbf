"""What the tests of the handler share: Django in this process, and separate pools."""

import os
import sys

import oracle.configured  # noqa: F401 - to import it is to configure it
import pytest
from django.test import override_settings

from django_tandem.handler import application, switching
from django_tandem.handler.thread_pool import ThreadPool


@pytest.fixture(autouse=True)
def switch_interval():
    """Have Python switch threads as often as `make races` sets: after each microsecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(float(os.environ.get("SWITCH_INTERVAL_S", before)))
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def threads(monkeypatch):
    """Return a function that gives the application a pool of so many threads."""
    made = []

    def bounded(bound):
        pool = ThreadPool(bound)
        made.append(pool)
        monkeypatch.setattr(application, "request_pool", lambda: pool)
        monkeypatch.setattr(switching, "consumer_pool", lambda: pool)
        return pool

    bounded(4)
    yield bounded
    for pool in made:
        pool.close()


@pytest.fixture
def serve(threads):
    """Return a function that makes the application of a URLconf and middleware."""
    changed = []

    def served(urlconf, *middleware, **settings):
        changed.append(
            override_settings(
                ROOT_URLCONF=urlconf, MIDDLEWARE=list(middleware), DEBUG=False, **settings
            )
        )
        changed[-1].enable()
        return application.DjangoApplication()

    yield served
    for each in reversed(changed):
        each.disable()

"""Fixtures of the tests of the drain."""

import asyncio
import time

import oracle.configured  # noqa: F401 - to import it is to configure Django
import pytest

from django_tandem.inprocess import drain_window, open_connections


class Polls:
    """Counts how often a process has polled for the drain."""

    def __init__(self):
        self.count = 0

    def poll(self, *args):
        self.count += 1
        return drain_window.version(*args)

    async def until_acted(self):
        """Wait until the process has had time to act on the current drain file."""
        enough, until = self.count + 5, time.monotonic() + 10
        while self.count < enough:
            assert time.monotonic() < until
            await asyncio.sleep(0.005)


@pytest.fixture
def polls(monkeypatch):
    """Poll often, and cancel soon."""
    polls = Polls()
    monkeypatch.setattr(open_connections, "POLL_S", 0.01)
    monkeypatch.setattr(open_connections, "CLEAN_UP_S", 0.2)
    monkeypatch.setattr(open_connections, "version", polls.poll)
    return polls

"""What the tests of the drain share."""

import asyncio
import time

import pytest

from django_tandem.inprocess import draining
from django_tandem.inprocess.asgi import watch


class Looks:
    """How often somebody has looked for the word to drain."""

    def __init__(self):
        self.count = 0

    def look(self, *args):
        self.count += 1
        return draining.announced_at(*args)

    async def some_more(self):
        """Wait until the watch has had time to act on what is announced now."""
        enough, until = self.count + 5, time.monotonic() + 10
        while self.count < enough:
            assert time.monotonic() < until
            await asyncio.sleep(0.005)


@pytest.fixture
def looks(monkeypatch):
    """Look often, and give up soon."""
    looks = Looks()
    monkeypatch.setattr(watch, "POLL_S", 0.01)
    monkeypatch.setattr(watch, "LEAST_S", 0.2)
    monkeypatch.setattr(watch, "announced_at", looks.look)
    return looks

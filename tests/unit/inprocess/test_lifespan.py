"""Every server gets a lifespan, whether the project implements one or not."""

import pytest
from inprocess.calling import call

from django_tandem.inprocess.lifespan import Lifespan

LIFE = ({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
COMPLETE = [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]


def test_the_lifespan_of_a_project_that_rejects_the_scope_is_completed():
    """Django and Channels raise at a scope they do not know."""

    async def project(scope, _receive, _send):
        raise ValueError(scope["type"])

    assert call(Lifespan(project), {"type": "lifespan"}, *LIFE) == COMPLETE


def test_the_lifespan_of_a_project_that_ignores_the_scope_is_completed():
    """Some return at once."""

    async def project(_scope, _receive, _send):
        return

    assert call(Lifespan(project), {"type": "lifespan"}, *LIFE) == COMPLETE


def test_a_project_with_a_lifespan_has_its_own():
    """Its messages pass through."""

    async def project(_scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    sent = call(Lifespan(project), {"type": "lifespan"}, *LIFE)

    assert sent == [{"type": "lifespan.startup.failed", "message": "no database"}]


def test_a_startup_that_fails_is_not_hidden():
    """An error after the project received the startup is its own."""

    async def project(_scope, receive, _send):
        await receive()
        raise ValueError("no database")

    with pytest.raises(ValueError, match="no database"):
        call(Lifespan(project), {"type": "lifespan"}, *LIFE)

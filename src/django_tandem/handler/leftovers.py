"""What a request may leave on its thread, and the next one there must not find."""

import logging
from collections.abc import Callable
from typing import Any

from django.db import connections

logger = logging.getLogger("django_tandem.asgi")


def drop_open_transactions() -> None:
    """
    Roll back a transaction that nobody left, and forget its connection.

    A view that was given up while it entered ``atomic`` never leaves it. Django closes such a
    connection too, but keeps it for the block's end, so nobody could use it again.
    """
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block or connection.closed_in_transaction:
            logger.warning("Rolled back a transaction on %r that was left open.", connection.alias)
            del connections[connection.alias]
            connection.close()


def run_apart(function: Callable[[], Any]) -> Any:
    """Run ``function`` on a thread that is not the pool's, and leave no connection there."""
    try:
        return function()
    finally:
        connections.close_all()

"""Readies a loaded project for being forked: workers share its memory, but no connection."""

import gc

from django.core.cache import caches
from django.db import connections


def settle() -> None:
    """Close what the import opened, and keep the memory that is in use from being written to."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
    caches.close_all()
    gc.collect()
    # A collection writes to every object it visits, and so unshares its page.
    gc.freeze()

"""Prepares a loaded project for the fork: workers share its memory, and no connection."""

import gc

from django.core.cache import caches
from django.db import connections


def prepare_for_fork() -> None:
    """Close the connections that the import opened, and keep the memory in use shared."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
    caches.close_all()
    gc.collect()
    # A garbage collection writes to each object that it visits, which copies the page.
    gc.freeze()

"""How many database connections the threads of this process have open, by alias."""

import weakref
from collections import Counter
from typing import Any

from django.db.backends.signals import connection_created

# Of each thread's connection of an alias, from the first time it was opened.
_known: "set[weakref.ref[Any]]" = set()


def watch() -> None:
    """Know each connection that is opened from now on."""
    connection_created.connect(_add, dispatch_uid="django_tandem")


def _add(connection: Any, **_: Any) -> None:
    _known.add(weakref.ref(connection, _known.discard))


def count_open() -> dict[str, int]:
    """Return the open connections by alias; with a pool, those that are in use."""
    # The list is made at once: other threads may add to it.
    found = (reference() for reference in list(_known))
    return dict(Counter(each.alias for each in found if each and each.connection is not None))

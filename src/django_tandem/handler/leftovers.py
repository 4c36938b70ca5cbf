"""What a call leaves on the thread that it ran on: a later call of the same request may need it."""

import inspect
import logging
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import GeneratorType
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import Col
from django.db.models.lookups import Lookup

from django_tandem.handler.internals import is_original, submitted_call, submitted_function

# They read, and leave nothing on the thread that another call of the same request could miss.
READS = frozenset({"_fetch_all", "contains", "count", "exists", "first", "get", "last", "latest"})

logger = logging.getLogger("django_tandem.asgi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """Whether a call left something, the generators that it has begun, and an open transaction."""

    must_keep: bool = True
    generators: "Sequence[weakref.ref[GeneratorType[Any, Any, Any]]]" = ()
    has_transaction: bool = False


def find_leftovers(call: Callable[..., Any], *, may_transact: bool) -> Leftovers:
    """
    Return what ``call`` has left on this thread, where it has run.

    A transaction is looked for only with ``may_transact``.
    """
    try:
        return Leftovers(
            must_keep=not leaves_nothing(call),
            generators=unfinished_generators(call),
            has_transaction=may_transact and has_open_transaction(),
        )
    except Exception:
        # Arguments of the project are looked at, and what they raise must not end the thread.
        logger.exception("What a call left on its thread could not be determined.")
        return Leftovers()


def leaves_nothing(call: Callable[..., Any]) -> bool:
    """Return whether ``call``, which has run on this thread, has left nothing that is needed."""
    bound = submitted_function(call)
    function = getattr(bound, "__func__", None)
    name = getattr(function, "__name__", "")
    return (
        name in READS
        and vars(QuerySet).get(name) is function
        # What wraps or replaces it may leave something.
        and is_original(QuerySet, name)
        and _is_plain(getattr(bound, "__self__", None))
        and not any(map(_is_expression, _arguments(submitted_call(call))))
        and _is_autocommitting()
    )


def _arguments(call: Any) -> tuple[Any, ...]:
    return (*call.args, *call.keywords.values())


def _is_expression(value: Any) -> bool:
    return hasattr(value, "resolve_expression") or hasattr(value, "as_sql")


def _is_plain(queryset: Any) -> bool:
    # A function of the database may take a lock of the session, or set a variable of it.
    if not isinstance(queryset, QuerySet):
        return False
    query: Any = queryset.query
    prefetched: Any = vars(queryset)["_prefetch_related_lookups"]
    names = (*query.order_by, *prefetched)
    return (
        not (query.annotations or query.extra or query.combined_queries)
        and all(isinstance(name, str) for name in names)
        and _compares_columns(query.where)
    )


def _compares_columns(where: Any) -> bool:
    for child in where.children:
        if isinstance(child, Lookup):
            is_own = not type(child).__module__.startswith("django.db.models.")
            if is_own or not isinstance(child.lhs, Col) or _is_expression(child.rhs):
                return False
        elif not hasattr(child, "children") or not _compares_columns(child):
            return False
    return True


def _is_autocommitting() -> bool:
    return all(
        connection.autocommit and not (connection.in_atomic_block or connection.execute_wrappers)
        for connection in connections.all(initialized_only=True)
        if connection.connection is not None
    )


def unfinished_generators(
    call: Callable[..., Any],
) -> "list[weakref.ref[GeneratorType[Any, Any, Any]]]":
    """
    Return the generators that ``call`` was given and has not finished.

    An async iteration over a queryset advances a generator with each call, and its cursor
    belongs to the connection of the thread.
    """
    return [
        weakref.ref(argument)
        for argument in getattr(submitted_call(call), "args", ())
        if isinstance(argument, GeneratorType) and is_unfinished(argument)
    ]


def is_unfinished(generator: Any) -> bool:
    """Return whether the generator has begun and not ended."""
    return inspect.getgeneratorstate(generator) == inspect.GEN_SUSPENDED


def has_open_transaction() -> bool:
    """Return whether ``atomic`` or ``set_autocommit`` has begun a transaction on this thread."""
    return any(
        connection.in_atomic_block
        or (
            connection.connection is not None
            and connection.autocommit != connection.settings_dict["AUTOCOMMIT"]
        )
        for connection in connections.all(initialized_only=True)
    )


def drop_open_transactions() -> None:
    """
    Roll back a transaction that was left open, and forget its connection.

    A view that was cancelled while it entered ``atomic`` never leaves it. Django closes such a
    connection too, but keeps it for the end of the block, so nobody could use it again.
    """
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block or connection.closed_in_transaction:
            logger.warning("Rolled back a transaction on %r that was left open.", connection.alias)
            del connections[connection.alias]
            connection.close()

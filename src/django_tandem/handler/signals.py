"""The signals at a request's start and end, without a thread for those that need none."""

from functools import partial
from typing import Any

from django.core import signals
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.db import close_old_connections, reset_queries
from django.dispatch import Signal

from django_tandem.handler.hops import is_busy, on_thread_at_the_end
from django_tandem.handler.internals import (
    close_resources,
    open_caches,
    receivers_of,
    run_parallel,
)
from django_tandem.handler.response import needs_thread_to_close

# They care for the connections of their own thread: the pool runs them where it lends one.
OF_THREADS = (reset_queries, close_old_connections)
# The first only computes. The other has nothing to do, or else the response closes on a thread.
OF_NO_THREAD = (reset_urlconf, close_caches)
OWN = frozenset([*OF_THREADS, *OF_NO_THREAD])


def of_threads(signal: Signal, sender: Any) -> None:
    """Run those of Django's own receivers, as far as they are connected, that a thread needs."""
    connected, _ = receivers_of(signal, sender)
    for receiver in OF_THREADS:
        if receiver in connected:
            receiver()


async def start(sender: Any, scope: Any) -> None:
    """Send ``request_started``."""
    blocking, awaited = receivers_of(signals.request_started, sender)
    if not OWN.issuperset(blocking):
        await signals.request_started.asend(sender=sender, scope=scope)
    elif awaited:
        named = {"signal": signals.request_started, "sender": sender, "scope": scope}
        await run_parallel([receiver(**named) for receiver in awaited])


async def finish(sender: Any, response: Any) -> None:
    """
    Close the response, which sends ``request_finished``; None stands for none.

    A view that was given up may still run on its thread: like Django, we wait for it there.
    """
    if needs_thread(sender, response) or is_busy():
        send = partial(signals.request_finished.send, sender=sender)
        await on_thread_at_the_end(send if response is None else response.close)
        return
    if response is not None:
        close_resources(response)
    if reset_urlconf in receivers_of(signals.request_finished, sender)[0]:
        reset_urlconf(sender)


def needs_thread(sender: Any, response: Any) -> bool:
    """Return whether ``finish`` runs what may block."""
    blocking, awaited = receivers_of(signals.request_finished, sender)
    if awaited or not OWN.issuperset(blocking) or open_caches():
        return True
    return response is not None and needs_thread_to_close(response)

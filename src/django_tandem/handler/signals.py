"""The signals at a request's start and end, without a thread for those that need none."""

from functools import partial
from typing import Any

from django.core import signals
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.db import close_old_connections, reset_queries
from django.dispatch import Signal
from django.http.response import HttpResponseBase

from django_tandem.handler.internals import (
    close_resources,
    closers_of,
    has_open_caches,
    only_computes,
    receivers_of,
    run_parallel,
)
from django_tandem.handler.originals import is_original
from django_tandem.handler.switching import RequestExecutor, finish_on_thread

# They manage the connections of their own thread: the pool runs them where it lends one.
ON_THREADS = (reset_queries, close_old_connections)
# The first only computes. The other has nothing to do, or else the response closes on a thread.
ON_LOOP = (reset_urlconf, close_caches)
DJANGOS = frozenset([*ON_THREADS, *ON_LOOP])


def run_connected(signal: Signal, sender: Any) -> None:
    """Run those of Django's own receivers that a thread needs, as far as they are connected."""
    connected, _ = receivers_of(signal, sender)
    for receiver in ON_THREADS:
        if receiver in connected:
            receiver()


async def send_started(sender: Any, scope: Any, *, has_lease: bool) -> None:
    """Send ``request_started``."""
    receivers, async_receivers = receivers_of(signals.request_started, sender)
    if not (has_lease and DJANGOS.issuperset(receivers) and is_original(Signal, "asend")):
        await signals.request_started.asend(sender=sender, scope=scope)
    elif async_receivers:
        named = {"signal": signals.request_started, "sender": sender, "scope": scope}
        await run_parallel([receiver(**named) for receiver in async_receivers])


async def send_finished(sender: Any, response: Any, executor: RequestExecutor | None) -> None:
    """
    Close the response, which sends ``request_finished``; None if there is no response.

    A view that was cancelled may still run on its thread: like Django, wait for it there.
    """
    if executor is None or executor.is_busy or needs_thread(sender, response):
        send = partial(signals.request_finished.send, sender=sender)
        await finish_on_thread(send if response is None else response.close)
        return
    if response is not None:
        close_resources(response)
    if reset_urlconf in receivers_of(signals.request_finished, sender)[0]:
        reset_urlconf(sender)


def needs_thread(sender: Any, response: Any) -> bool:
    """Return whether the end of the request runs what may block."""
    receivers, async_receivers = receivers_of(signals.request_finished, sender)
    return (
        bool(async_receivers)
        or not DJANGOS.issuperset(receivers)
        or has_open_caches()
        or not is_original(Signal, "send")
        or (response is not None and _closes_more(response))
    )


def _closes_more(response: Any) -> bool:
    is_plain = type(response).close is HttpResponseBase.close
    if not (is_plain and is_original(HttpResponseBase, "close")):
        return True
    return not all(map(only_computes, closers_of(response)))

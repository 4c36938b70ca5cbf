"""Threads for Channels' consumers: each runs its sync code on the pool, not all on one thread."""

from django.db import close_old_connections

from django_tandem.handler.internals import has_executor, run_on, undo_run_on
from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.handler.switching import RequestExecutor
from django_tandem.handler.thread_pool import consumer_pool

CHECKS = (close_old_connections,)
# Django's own application gives each HTTP request a thread by itself.
TYPES = frozenset({"websocket", "channel"})


class ParallelConsumers:
    """
    Gives each consumer a thread for one call at a time.

    A consumer lives for hours, and most of them it waits: it can't keep a thread as a request
    does. The calls of one consumer still run one after another, and never on two threads at once.
    They have a pool of their own, which rejects none of them: a consumer can't respond with 503.
    Connections are checked before and after each call, as Channels' database_sync_to_async does.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in TYPES or has_executor():
            await self.application(scope, receive, send)
            return
        executor = RequestExecutor(consumer_pool(), holds=False, opening=CHECKS, closing=CHECKS)
        token = run_on(executor)
        try:
            await self.application(scope, receive, send)
        finally:
            executor.release()
            undo_run_on(token)

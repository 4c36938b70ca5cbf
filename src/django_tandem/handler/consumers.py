"""Threads for consumers: the sync code of each runs on the pool, and not all on one thread."""

from django.db import close_old_connections

from django_tandem.handler.internals import has_a_thread, run_as_before, run_on
from django_tandem.handler.loan import Loan
from django_tandem.handler.pool import pool_of_consumers
from django_tandem.handler.protocol import Application, Receive, Scope, Send

CHECKS = (close_old_connections,)
# Django's own application lends a thread to each request by itself.
KINDS = frozenset({"websocket", "channel"})


class Threads:
    """
    Lends each consumer a thread for one call at a time.

    A consumer lives for hours, and most of it waits: it can't keep a thread as a request does.
    The calls of one consumer still run one after another, and never on two threads at once.
    They share threads among themselves alone, and none is refused: a consumer has no 503 to give.
    Connections are checked before and after each, as Channels' database_sync_to_async does.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in KINDS or has_a_thread():
            await self.application(scope, receive, send)
            return
        loan = Loan(pool_of_consumers(), holds=False, opening=CHECKS, closing=CHECKS)
        token = run_on(loan)
        try:
            await self.application(scope, receive, send)
        finally:
            loan.end()
            run_as_before(token)

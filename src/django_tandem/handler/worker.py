"""A thread that runs loans, one after another, and keeps its database connections."""

import contextvars
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from django.db import connections

if TYPE_CHECKING:
    from django_tandem.handler.loan import Loan
    from django_tandem.handler.pool import Pool


class Worker:
    """A thread and what it is to run next; one that is not counted is none of the pool's bound."""

    def __init__(self, pool: "Pool") -> None:
        self.pool = pool
        self.is_counted = True
        self.inbox: SimpleQueue[Loan | None] = SimpleQueue()
        # A daemon: a server that has answered everything ends, whatever a thread still does.
        self.thread = threading.Thread(target=self.work, name="django-tandem", daemon=True)

    def take(self, loan: "Loan | None") -> None:
        """Have the thread run what the loan has to run; None ends it."""
        self.inbox.put(loan)
        if self.thread.ident is None:
            # Python 3.14 may give a thread the context of who starts it: a request's.
            contextvars.Context().run(self.thread.start)

    def work(self) -> None:
        """Run loans until told to end."""
        loan = self.inbox.get()
        while loan is not None:
            loan.perform(loan.opening)
            while not loan.run():
                if self.inbox.get() is None:
                    connections.close_all()
                    return
            loan = self.pool.give_back(self, loan) or self.inbox.get()
        connections.close_all()

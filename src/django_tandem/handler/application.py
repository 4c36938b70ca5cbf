"""The ASGI application: Django's own, with a cheaper way through it."""

import asyncio
import contextvars
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import django
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.urls import set_script_prefix

from django_tandem.handler import signals as own_signals
from django_tandem.handler.chain import Chain
from django_tandem.handler.driving import Watch, isolated, watched
from django_tandem.handler.hops import what_was_left_behind
from django_tandem.handler.internals import has_a_thread, lent_here, run_on
from django_tandem.handler.limits import threads
from django_tandem.handler.loan import Loan
from django_tandem.handler.original import is_original
from django_tandem.handler.pool import pool
from django_tandem.handler.protocol import Receive, Scope, Send
from django_tandem.handler.response import is_plain, messages_of

# What the request of this context has borrowed; None in a request that another one makes.
LENT: contextvars.ContextVar[Loan | None] = contextvars.ContextVar("LENT", default=None)


class DjangoApplication(Chain, ASGIHandler):
    """Answers a request on the event loop, and on a borrowed thread where it may block."""

    # What Django's signals do for connections is done when a thread comes and goes. Not made by
    # __init__, which Django's handler of static files leaves out.
    @cached_property
    def opening(self) -> tuple[Callable[[], None], ...]:
        """What a thread runs before a request does."""
        return (partial(own_signals.of_threads, signals.request_started, type(self)),)

    @cached_property
    def closing(self) -> tuple[Callable[[], None], ...]:
        """What a thread runs after a request did."""
        return (partial(own_signals.of_threads, signals.request_finished, type(self)),)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
        elif asyncio.current_task() is None:
            # A server that runs coroutines by itself: there is nothing to cancel but a task.
            await asyncio.ensure_future(self(scope, receive, send))
        else:
            await isolated(self.lend(scope, receive, send), contextvars.copy_context())

    async def lend(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with a thread to borrow unless whoever called us has one."""
        if has_a_thread():
            LENT.set(None)
            await self.enter(scope, receive, send)
            return
        loan = Loan(pool(), holds=True, opening=self.opening, closing=self.closing)
        run_on(loan)
        LENT.set(loan)
        try:
            await self.enter(scope, receive, send)
            await what_was_left_behind()
        finally:
            loan.end()

    async def enter(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, from inside whatever instruments Django's own handler: Sentry, for one."""
        if is_original(ASGIHandler, "__call__"):
            await self.handle(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, as Django does."""
        loan = LENT.get()
        if loan is not None and lent_here() is not loan:
            # Django's own __call__ has said otherwise.
            run_on(loan)
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        try:
            set_script_prefix(get_script_prefix(scope))
            await own_signals.start(type(self), scope)
            request, error_response = self.create_request(scope, body)
            if request is None:
                body.close()
                await self.send_response(error_response, send)
                await own_signals.finish(type(self), error_response)
            else:
                await self.answer(request, receive, send)
        finally:
            body.close()

    async def answer(self, request: Any, receive: Receive, send: Send) -> None:
        """Answer unless the client goes meanwhile, and have the request finished in any case."""
        watch = Watch(lambda: self.listen_for_disconnect(receive))
        response, cut = None, None
        try:
            response, cut = await watched(self.respond(request, send), watch)
        except asyncio.CancelledError as error:
            cut = error
        finally:
            await watch.stop()
        await own_signals.finish(type(self), response)
        if cut is not None and not watch.was_left:
            # It was the server, not the client, that cancelled it.
            raise cut

    async def respond(self, request: Any, send: Send) -> tuple[Any, asyncio.CancelledError | None]:
        """Return the response, sent, and what cancelled the sending."""
        response = await self.run_get_response(request)
        loan = LENT.get()
        if loan is not None and loan.thread is not None and not self.needs_thread(response):
            # Others need not wait until the client has taken it all.
            loan.end()
        try:
            await self.send_response(response, send)
        except asyncio.CancelledError as error:
            return response, error
        return response, None

    def needs_thread(self, response: Any) -> bool:
        """Return whether the thread is needed after the response was made."""
        return bool(response.streaming) or own_signals.needs_thread(type(self), response)

    async def send_response(self, response: Any, send: Any) -> None:
        """Send the response; a whole and small one without ado."""
        if is_plain(response, self.chunk_size):
            for message in messages_of(response):
                await send(message)
        else:
            await super().send_response(response, send)


def make() -> DjangoApplication:
    """
    Set Django up, and return its application.

    Raises SettingError for a wrong number of threads.
    """
    django.setup(set_prefix=False)
    threads()
    return DjangoApplication()

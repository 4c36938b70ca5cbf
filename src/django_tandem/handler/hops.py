"""The one way from the event loop to the thread of a request."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from asgiref.sync import SyncToAsync

from django_tandem.handler.busy import BusyError
from django_tandem.handler.internals import count_calls, executor_here, lent_here
from django_tandem.handler.leftovers import run_apart
from django_tandem.handler.loan import Loan


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def _nothing() -> None:
    return None


_on_thread = SyncToAsync(_call)
_apart = SyncToAsync(run_apart, thread_sensitive=False)


async def on_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run ``function`` on the thread of this request."""
    return await _on_thread(function, *arguments)


async def on_thread_at_the_end(function: Callable[[], Any]) -> Any:
    """
    Run ``function``, with which a request ends, on its thread.

    It is never refused: without a thread, and with none free, it runs on one outside the pool.
    """
    loan = executor_here()
    if isinstance(loan, Loan) and loan.thread is None and loan.would_wait:
        return await _apart(function)
    return await _on_thread(function)


async def on_thread_if_free(function: Callable[..., Any], *arguments: Any) -> Any:
    """
    Run ``function`` on the thread of this request, or on one that will be free soon.

    Raises BusyError when the line for one is full, and the request has none.
    """
    refuse_if_busy()
    return await _on_thread(function, *arguments)


async def what_was_left_behind() -> None:
    """Wait for what a task that the view left behind has the thread of this request run."""
    # One that was made just now has not begun yet.
    await asyncio.sleep(0)
    if is_busy():
        with suppress(BusyError):
            await _on_thread(_nothing)


def refuse_if_busy() -> None:
    """Raise BusyError for a request that has no thread yet, when the line for one is full."""
    loan = executor_here()
    if isinstance(loan, Loan) and loan.is_turned_away:
        loan.pool.relief.tell()
        raise BusyError("Too many wait for a thread.")


@contextmanager
def awaited_by_thread() -> Iterator[None]:
    """Let it be known that the thread of this request only waits for what is done here."""
    loan = lent_here()
    if not isinstance(loan, Loan):
        yield
        return
    count_calls(lambda number: loan.count(nested=number))
    loan.count(parked=1)
    try:
        yield
    finally:
        loan.count(parked=-1)


def would_wait() -> bool:
    """Return whether the thread of this request is at work, or there is none free for it."""
    loan = executor_here()
    return isinstance(loan, Loan) and loan.would_wait


def is_busy() -> bool:
    """Return whether the thread of this request is still at work for it."""
    loan = executor_here()
    return isinstance(loan, Loan) and loan.is_busy


def was_refused() -> bool:
    """Return whether this request has waited for a thread in vain."""
    loan = executor_here()
    return isinstance(loan, Loan) and loan.was_refused

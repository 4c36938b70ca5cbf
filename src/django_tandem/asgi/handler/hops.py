"""The one way from the event loop to the thread of a request."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import SyncToAsync

from django_tandem.asgi.handler.busy import BusyError
from django_tandem.asgi.handler.internals import executor_here
from django_tandem.asgi.handler.loan import Loan


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


_on_thread = SyncToAsync(_call)


async def on_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run ``function`` on the thread of this request."""
    return await _on_thread(function, *arguments)


async def on_thread_if_free(function: Callable[..., Any], *arguments: Any) -> Any:
    """
    Run ``function`` on the thread of this request, or on one that will be free soon.

    Raises BusyError when the line for one is full, and the request has none.
    """
    refuse_if_busy()
    return await _on_thread(function, *arguments)


def refuse_if_busy() -> None:
    """Raise BusyError for a request that has no thread yet, when the line for one is full."""
    loan = executor_here()
    if isinstance(loan, Loan) and loan.is_turned_away:
        loan.pool.relief.tell()
        raise BusyError("Too many wait for a thread.")


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

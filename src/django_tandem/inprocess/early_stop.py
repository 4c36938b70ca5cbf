"""The stop of a process that nothing supervises, before it handles the signals of a stop."""

import os
import signal
from typing import Any, NoReturn

SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})


def take_signals() -> None:
    """Have a stop end this process until it handles the signals; deliver one that has come."""
    # The kernel sends process 1 no signal without a handler, and the import may take long.
    for each in SIGNALS:
        signal.signal(each, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def are_blocked() -> bool:
    """Return whether this process was executed with the signals blocked, for it to take them."""
    return signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _end(number: int, _frame: Any) -> NoReturn:
    os._exit(128 + number)

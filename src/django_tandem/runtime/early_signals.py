"""The signals that come before supervisord, or a program that it starts, handles them."""

import os
import signal
from collections.abc import Callable
from typing import Any, NoReturn

# What a container runtime, `tandem down` and Ctrl-C send; NGINX ends gracefully by SIGQUIT.
STOPS = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})
# What a log rotation sends to have logs reopened. By default they end a process.
REOPENS = frozenset({signal.SIGUSR1, signal.SIGUSR2})
# The process that a container was started with.
FIRST_PID = 1
# Those without a handler of Python's own.
UNHANDLED_STOPS = STOPS - {signal.SIGINT}


def end_first_process() -> None:
    """Have a stop end this process if it is process 1: the kernel sends that no other signal."""
    if os.getpid() == FIRST_PID:
        for each in UNHANDLED_STOPS:
            signal.signal(each, _end)


def drop_reopen_signals() -> None:
    """Drop the signals that reopen logs: none is open before the stack starts."""
    for each in REOPENS:
        # A handler, since a program would inherit that a signal is ignored.
        signal.signal(each, lambda *_: None)


def block_signals() -> None:
    """Block the signals: supervisord has no handlers while it is imported."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS | REOPENS)


def unblock_signals() -> bool:
    """Deliver the blocked signals to their handlers; return whether one of them is a stop."""
    is_stop = bool(signal.sigpending() & STOPS)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS | REOPENS)
    return is_stop


def fork_unhandled(fork: Callable[[], int]) -> int:
    """
    Fork, and have a signal end the child from its first moment on.

    Until its exec it has supervisord's handlers, and one of them would lose the signal.
    """
    handled = [each for each in signal.valid_signals() if callable(signal.getsignal(each))]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    try:
        pid = fork()
        if pid == 0:
            for each in handled:
                signal.signal(each, signal.SIG_DFL)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _end(number: int, _frame: Any) -> NoReturn:
    # At once: the project may be half imported, and have threads that never end. The exit code is
    # that of shells.
    os._exit(128 + number)

"""Signals that end a command as Ctrl-C does, so that it stops what it has started."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[None]:
    """
    Raise KeyboardInterrupt at SIGHUP, SIGINT and SIGTERM for the length of the block.

    A topology of a benchmark has its own session, and would outlive this process; the edge would
    go on to copy requests to a mirror. A signal that is ignored, as nohup ignores SIGHUP, stays
    ignored.
    """
    before = {each: signal.getsignal(each) for each in INTERRUPTS}
    handled = [each for each, handler in before.items() if handler is not signal.SIG_IGN]
    for each in handled:
        signal.signal(each, signal.default_int_handler)
    try:
        yield
    finally:
        for each in handled:
            signal.signal(each, before[each])

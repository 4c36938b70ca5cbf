"""Signal dispositions that the tests must not inherit."""

import signal


def restore_defaults() -> None:
    """
    Restore the default dispositions of signals that are ignored, for all child processes too.

    A script that ignores SIGINT, and a shell that starts the tests in the background, pass that on.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for each in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(each) is signal.SIG_IGN:
            signal.signal(each, signal.SIG_DFL)

"""
The log of a master that forks workers, kept apart from what the project adds to logging.

Sentry's SDK, for one, sends each error that is logged from a thread, which it starts with the
first one. A fork copies the locks that a thread holds, and nothing in the worker releases them: a
worker that takes one, such as for its own first event, waits for good.
"""

import atexit
import contextlib
import logging
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from django_tandem.inprocess import telemetry, worker_process

CallHandlers = Callable[[logging.Logger, logging.LogRecord], Any]

# Of what is below, nothing is reported: some of it is logged at the end of each child.
LEVEL = logging.WARNING
# How long what the project adds may take for one record.
LONGEST_S = 10
POLL_S = 0.02
# As they are in a process that has set no handler.
SIGNALS = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCHLD,
)

# This module is imported before the project.
_OF_PYTHON: CallHandlers = logging.Logger.callHandlers


class MasterLog:
    """
    Writes what the master logs, and has a process for each record do what the project adds.

    That process is forked from the master, which has one thread, and ends like any other: what
    waits to be sent is sent. Call `install` once the project is loaded.
    """

    def __init__(self, close_listeners: Callable[[], None]) -> None:
        self._master = os.getpid()
        self._close_listeners = close_listeners
        # Of those that may still run. There are as many as Gunicorn logs lines of one failure.
        self._reporting: deque[int] = deque(maxlen=16)
        self._of_project: CallHandlers = _OF_PYTHON

    def install(self) -> None:
        """Handle what is logged in this process, by any logger."""
        self._of_project = logging.Logger.callHandlers

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            if os.getpid() == self._master:
                self._write(logger, record)
            else:
                self._of_project(logger, record)

        replaced: Any = logging.Logger
        replaced.callHandlers = call_handlers
        atexit.register(self._wait)

    def _write(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        handlers = list(_handlers(logger))
        plain = [each for each in handlers if _is_plain(each)]
        for handler in plain:
            if record.levelno >= handler.level:
                handler.handle(record)
        is_whole = len(plain) == len(handlers) and self._of_project is _OF_PYTHON
        if record.levelno >= LEVEL and not is_whole:
            self._start_report(logger, record, plain)

    def _start_report(
        self, logger: logging.Logger, record: logging.LogRecord, written: list[logging.Handler]
    ) -> None:
        try:
            pid = os.fork()
        except OSError:
            # No process is left, and the line is written.
            return
        if pid:
            self._reporting.append(pid)
            return
        try:
            self._report(logger, record, written)
        finally:
            os._exit(0)

    def _report(
        self, logger: logging.Logger, record: logging.LogRecord, written: list[logging.Handler]
    ) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        # Gunicorn would log the end by a signal, which would be reported again.
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.alarm(LONGEST_S)
        worker_process.set_process_name(worker_process.process_name("log"))
        # The next master may bind the same addresses.
        self._close_listeners()
        for handler in written:
            handler.setLevel(sys.maxsize)
        self._of_project(logger, record)
        atexit._run_exitfuncs()

    def _wait(self) -> None:
        """Let what this master has logged last be reported: a container ends with its process 1."""
        if os.getpid() != self._master:
            return
        until = time.monotonic() + telemetry.flush_s()
        while self._reporting and time.monotonic() < until:
            # Not before: a pid that is used again may be that of a worker, which Gunicorn reaps.
            if _runs(self._reporting[0]):
                time.sleep(POLL_S)
            else:
                self._reporting.popleft()


def _handlers(logger: logging.Logger) -> Iterator[logging.Handler]:
    """Yield the handlers that Python calls for a record of the logger."""
    found, each = False, logger
    while True:
        for handler in each.handlers:
            found = True
            yield handler
        if not each.propagate or each.parent is None:
            break
        each = each.parent
    if not found and logging.lastResort is not None:
        yield logging.lastResort


def _is_plain(handler: logging.Handler) -> bool:
    """Return whether the handler is one of Python's that write to a file or a stream."""
    is_pythons = type(handler).__module__ in ("logging", "logging.handlers")
    return is_pythons and isinstance(handler, logging.StreamHandler)


def _runs(pid: int) -> bool:
    """Return whether a child runs; Gunicorn has reaped one that has ended before."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    return False


def keep_apart(arbiter: Any) -> None:
    """Keep the log of the arbiter's process apart from what the project adds to logging."""

    def close_listeners() -> None:
        for listener in arbiter.LISTENERS:
            listener.close()

    MasterLog(close_listeners).install()

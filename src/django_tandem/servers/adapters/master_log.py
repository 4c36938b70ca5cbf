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
import pickle
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django_tandem.inprocess import telemetry, worker_process

CallHandlers = Callable[[logging.Logger, logging.LogRecord], Any]

# A patched logging, such as Sentry's, takes these as events. The others are context of an event.
LEVEL = logging.WARNING
# A record with a traceback takes some kilobytes. What waits beyond this is left out.
WAITING_BYTES = 1 << 20
# How long the log process may take once the master has ended.
LONGEST_S = 10
POLL_S = 0.02
# They are for the master, which decides when its log ends.
IGNORED = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
    signal.SIGTTIN,
    signal.SIGTTOU,
)
# Of each record, also of one with an ``extra`` that can't be sent.
_STANDARD = frozenset(vars(logging.makeLogRecord({})))

# This module is imported before the project.
_OF_PYTHON: CallHandlers = logging.Logger.callHandlers


class MasterLog:
    """
    Writes what the master logs, and has the log process do what the project adds.

    That process is forked with the first record that needs it, from the master, which has one
    thread; there is at most one. It gets each record without its traceback's frames, keeps what
    handlers remember, and ends after the master as a worker does: what waits to be sent is sent.
    ``close_listeners`` is called in it. Call `install` once the project is loaded.
    """

    def __init__(self, close_listeners: Callable[[], None]) -> None:
        self._master = os.getpid()
        self._close_listeners = close_listeners
        self._of_project: CallHandlers = _OF_PYTHON
        self._pid = 0
        self._sending: socket.socket | None = None
        self._is_passing_on = False

    def install(self) -> None:
        """Handle what is logged in this process, by any logger."""
        self._of_project = logging.Logger.callHandlers

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            if os.getpid() == self._master:
                self._handle(logger, record)
            else:
                self._of_project(logger, record)

        replaced: Any = logging.Logger
        replaced.callHandlers = call_handlers
        # The log process ends when the last descriptor is closed, which is then the master's.
        os.register_at_fork(after_in_child=self._close)
        atexit.register(self._end)

    def _handle(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        needs_process = self._of_project is not _OF_PYTHON and (
            record.levelno >= LEVEL or self._sending is not None
        )
        for handler in _handlers(logger):
            if record.levelno < handler.level or isinstance(handler, logging.NullHandler):
                continue
            if _is_plain(handler):
                handler.handle(record)
            else:
                needs_process = True
        # What is logged meanwhile, such as a warning of the fork, would be passed on for ever.
        if needs_process and not self._is_passing_on:
            self._is_passing_on = True
            try:
                self._pass_on(logger.name, record)
            finally:
                self._is_passing_on = False

    def _pass_on(self, name: str, record: logging.LogRecord) -> None:
        packed = pickle.dumps((name, _attributes(record)))
        try:
            self._sender().send(packed)
        except (BrokenPipeError, ConnectionResetError):
            # The log process was killed.
            self._close()
            with contextlib.suppress(OSError):
                self._sender().send(packed)
        except OSError:
            # No process is left, the socket is full, or the record too long for it. The line is in
            # the master's log where it has one.
            pass

    def _sender(self) -> socket.socket:
        """Return the socket to the log process, which is forked if there is none."""
        if self._sending is not None:
            return self._sending
        receiving, sending = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with receiving:
            sending.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WAITING_BYTES)
            sending.settimeout(0)
            self._sending = sending
            try:
                self._pid = os.fork()
            except OSError:
                self._close()
                raise
            if self._pid == 0:
                try:
                    self._run(receiving)
                finally:
                    # Gunicorn takes any other code for a worker's failure.
                    os._exit(0)
        return sending

    def _run(self, receiving: socket.socket) -> None:
        """Call what the project adds for each record, in the log process."""
        for each in IGNORED:
            signal.signal(each, signal.SIG_IGN)
        for each in (signal.SIGCHLD, signal.SIGALRM):
            signal.signal(each, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, self._end_with_the_master)
        worker_process.set_process_name(worker_process.process_name("log"))
        with contextlib.suppress(SystemExit):
            worker_process.stop_with(self._master)
        # The next master may bind the same addresses.
        self._close_listeners()
        while packed := receiving.recv(WAITING_BYTES):
            try:
                name, attributes = pickle.loads(packed)  # noqa: S301 - the master's own
                self._report(logging.getLogger(name), logging.makeLogRecord(attributes))
            except Exception:  # noqa: BLE001 - as logging does with what a handler raises
                traceback.print_exc()
        signal.alarm(LONGEST_S)
        atexit._run_exitfuncs()

    def _report(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        """Call what the project adds; the master has called the other handlers."""
        called = [each for each in _handlers(logger) if _is_plain(each)]
        levels = [each.level for each in called]
        for each in called:
            each.setLevel(sys.maxsize)
        try:
            self._of_project(logger, record)
        finally:
            for each, level in zip(called, levels, strict=True):
                each.setLevel(level)

    def _end_with_the_master(self, *_: object) -> None:
        """Have the kernel end this process if a handler hangs; a service manager signals it too."""
        if os.getppid() != self._master:
            signal.alarm(LONGEST_S)

    def _close(self) -> None:
        if self._sending is not None:
            self._sending.close()
            self._sending = None

    def _end(self) -> None:
        """Let what this master has logged last be reported: a container ends with its process 1."""
        if os.getpid() != self._master or self._sending is None:
            return
        self._close()
        until = time.monotonic() + telemetry.flush_s()
        while _runs(self._pid) and time.monotonic() < until:
            time.sleep(POLL_S)


def _attributes(record: logging.LogRecord) -> Mapping[str, Any]:
    """Return what can be sent of a record; its traceback is text, as in a file."""
    attributes = dict(vars(record))
    if record.exc_info:
        attributes["exc_text"] = record.exc_text or logging.Formatter().formatException(
            record.exc_info
        )
        attributes["exc_info"] = None
    try:
        pickle.dumps(attributes)
    except Exception:  # noqa: BLE001 - a class may raise anything
        standard = {name: each for name, each in attributes.items() if name in _STANDARD}
        return standard | {"msg": record.getMessage(), "args": None}
    return attributes


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
    """Return whether the handler writes to a file or a stream, for which it needs no thread."""
    return isinstance(handler, logging.StreamHandler)


def _runs(pid: int) -> bool:
    """Return whether a child runs; Gunicorn has reaped one that has ended before."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    return False


def keep_apart(arbiter: Any) -> None:
    """
    Keep the log of the arbiter's process apart from what the project adds to logging.

    Not where the project has threads in it already, by PRELOAD: its handlers may need them.
    """
    if threading.active_count() > 1:
        return

    def close_listeners() -> None:
        for listener in arbiter.LISTENERS:
            listener.close()

    MasterLog(close_listeners).install()

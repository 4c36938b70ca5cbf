"""Runs the servers as child processes, where the installed Gunicorn can't share a master."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from django_tandem.inprocess import worker_process

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The command line of one child, and its niceness."""

    argv: Sequence[str]
    niceness: int = 0


def run(commands: Mapping[str, Command]) -> int:
    """
    Run one child of each kind until one ends, or until a signal stops them all.

    Return the exit code: 0 after a signal, else that of the child, or 1 if that is 0.
    """
    children = {_start(kind, command): kind for kind, command in commands.items()}
    is_stopping = False

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal is_stopping
        is_stopping = True
        _send(children, number)

    for each in STOP_SIGNALS:
        signal.signal(each, stop)
    exit_code = 0
    while children:
        pid, status = os.wait()
        if children.pop(pid, None) and not is_stopping:
            # The supervisor starts all of them again.
            is_stopping = True
            exit_code = max(os.waitstatus_to_exitcode(status), 0) or 1
            _send(children, signal.SIGTERM)
    return exit_code


def _start(kind: str, command: Command) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        log = worker_process.log_file(kind)
        if log is not None:
            worker_process.log_to(log)
        worker_process.stop_with(parent)
        os.nice(command.niceness)
        os.execv(sys.executable, [sys.executable, *command.argv])  # noqa: S606
    finally:
        os._exit(1)


def _send(children: Mapping[int, str], number: int) -> None:
    for pid in children:
        os.kill(pid, number)

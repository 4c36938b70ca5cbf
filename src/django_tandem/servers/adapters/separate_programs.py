"""Runs the servers as child processes, where the installed Gunicorn can't share a master."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from django_tandem.inprocess import worker_process
from django_tandem.model import programs

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
# As in the shared master: the generation drains, and the next one has its own Channels worker.
RETIRE_SIGNAL = signal.SIGWINCH


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCommand:
    """The command line of one child, and its niceness."""

    argv: Sequence[str]
    niceness: int = 0


def run(commands: Mapping[str, ChildCommand]) -> int:
    """
    Run one child of each kind until one ends, or until a signal stops them all.

    The Channels worker alone ends as the generation drains. Return the exit code: 0 after a
    signal, else that of the child, or 1 if that is 0.
    """
    children = {_start(kind, command): kind for kind, command in commands.items()}
    is_stopping = is_retired = False

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal is_stopping
        is_stopping = True
        _send(children, number)

    def retire(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_retired
        is_retired = True
        _send([pid for pid, kind in children.items() if kind == programs.CHANNELS], signal.SIGTERM)

    signal.signal(RETIRE_SIGNAL, retire)
    for each in STOP_SIGNALS:
        signal.signal(each, stop)
    exit_code = 0
    while children:
        pid, status = os.wait()
        kind = children.pop(pid, None)
        is_expected = is_stopping or (is_retired and kind == programs.CHANNELS)
        if kind and not is_expected:
            # The supervisor starts all of them again.
            is_stopping = True
            exit_code = max(os.waitstatus_to_exitcode(status), 0) or 1
            _send(children, signal.SIGTERM)
    return exit_code


def _start(kind: str, command: ChildCommand) -> int:
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


def _send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        # One may have ended since.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

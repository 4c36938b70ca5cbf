"""
``breakpoint()`` in a served project: pdb on the terminal of `tandem up --debug`.

A server that supervisord started has neither the terminal's input nor its output, and is a
background process of it, which the kernel would stop for reading.
"""

import contextlib
import fcntl
import os
import pdb
import signal
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django_tandem import environment

TERMINAL = "/dev/tty"
LOCK = "debugger.lock"
# In the list of tcgetattr(3), the local modes.
LOCAL_MODES = 3


def set_trace(**_options: Any) -> None:
    """Stop in pdb where ``breakpoint()`` was called; named by PYTHONBREAKPOINT."""
    terminal = _open_terminal()
    if terminal is None:
        print("breakpoint() found no terminal: it is skipped.", file=sys.stderr)  # noqa: T201
        return
    TerminalPdb(*terminal).set_trace(sys._getframe(1))


class TerminalPdb(pdb.Pdb):
    """A debugger that has the terminal while it waits for a command."""

    def __init__(self, reader: IO[str], writer: IO[str]) -> None:
        super().__init__(stdin=reader, stdout=writer, nosigint=True)
        self.use_rawinput = False
        self._terminal = reader.fileno()

    def interaction(self, *arguments: Any, **options: Any) -> None:
        """Debug at the frame given by pdb, one process at a time."""
        with _locked(), _in_foreground(self._terminal):
            super().interaction(*arguments, **options)


def _open_terminal() -> tuple[IO[str], IO[str]] | None:
    with contextlib.suppress(OSError):
        return open(TERMINAL), open(TERMINAL, "w")  # noqa: PTH123
    run_dir = os.environ.get(environment.RUN_DIR, "")
    with contextlib.suppress(OSError, ValueError):
        # Without a terminal, such as below another program: supervisord's own input and output.
        descriptors = Path("/proc", (Path(run_dir) / "supervisord.pid").read_text().strip(), "fd")
        return (descriptors / "0").open(), (descriptors / "1").open("w")
    return None


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    # Both stacks may stop at a breakpoint at the same time.
    with (Path(os.environ.get(environment.RUN_DIR, "."), LOCK)).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _in_foreground(terminal: int) -> Iterator[None]:
    """Make this process group the foreground of the terminal, as a shell does."""
    if not os.isatty(terminal):
        yield
        return
    foreground, modes = os.tcgetpgrp(terminal), termios.tcgetattr(terminal)
    # Ctrl-C would end the server, which leads this process group.
    quiet = [*modes]
    quiet[LOCAL_MODES] &= ~termios.ISIG
    # Otherwise the kernel stops a background process that calls tcsetpgrp().
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
    try:
        os.tcsetpgrp(terminal, os.getpgrp())
        termios.tcsetattr(terminal, termios.TCSADRAIN, quiet)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
        os.tcsetpgrp(terminal, foreground)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTTOU])

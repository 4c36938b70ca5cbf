"""
``breakpoint()`` in a served project: pdb on the terminal of `tandem up --debug`.

A server that supervisord started has neither the terminal's input nor its output, and is a
background process of it, which the kernel would stop for reading.
"""

import contextlib
import dis
import fcntl
import os
import pdb
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO, Any

from django_tandem import environment
from django_tandem.model.programs import SUPERVISORD_PID_FILE

TERMINAL = "/dev/tty"
LOCK = "debugger.lock"
# In the list of tcgetattr(3), the local modes and the control characters.
LOCAL_MODES, CHARACTERS = 3, 6
CTRL_C = b"\x03"

# What calls the project for each request, and outlives it; then what lies between.
_LOOPS = {"asyncio", "concurrent", "daphne", "granian", "gunicorn", "hypercorn", "threading"}
_LOOPS |= {"twisted", "uvicorn", "uvicorn_worker", "uvloop", "waitress"}
_ADAPTERS = {"asgiref", "django_tandem"}

_threads = threading.local()


def set_trace(**_options: Any) -> None:
    """Stop in pdb where ``breakpoint()`` was called; named by PYTHONBREAKPOINT."""
    frame = sys._getframe(1)
    current: TerminalPdb | None = getattr(_threads, "debugger", None)
    if current is not None and current.is_held:
        if current.is_of_request(frame):
            # Otherwise it would stop in its own code.
            sys.settrace(None)
            current.set_trace(frame)
        else:
            # It can't wait: the request at the prompt would never continue, on the same event loop.
            _report("breakpoint() is skipped while another request is debugged.")
        return
    terminal = _open_terminal()
    if terminal is None:
        _report("breakpoint() found no terminal: it is skipped.")
        return
    _threads.debugger = TerminalPdb(*terminal, frame)
    _threads.debugger.set_trace(frame)


class TerminalPdb(pdb.Pdb):
    """
    A debugger of one request, from its breakpoint to `continue` or to the end of the request.

    It holds a lock for as long, because both stacks and several threads may stop at a breakpoint.
    """

    def __init__(self, reader: IO[str], writer: IO[str], frame: FrameType) -> None:
        super().__init__(stdin=reader, stdout=writer, nosigint=True)
        self.use_rawinput = False
        self._terminal = reader.fileno()
        self._lock: IO[str] | None = None
        self._is_over = False
        # From the view outwards; those of the server are behind the last.
        self._frames = _frames_of_request(frame)

    @property
    def is_held(self) -> bool:
        """Whether the request is being debugged."""
        return self._lock is not None

    def is_of_request(self, frame: FrameType | None) -> bool:
        """Return whether the code that runs in ``frame`` was called for this request."""
        while frame is not None and frame not in self._frames:
            frame = frame.f_back
        return frame is not None

    def interaction(self, *arguments: Any, **options: Any) -> None:
        """Debug at the frame given by pdb, one request at a time."""
        self._hold()
        self._is_over = False
        with _in_foreground(self._terminal):
            super().interaction(*arguments, **options)
        if self._is_over:
            self._release()

    def stop_here(self, frame: FrameType) -> bool:
        """Return whether pdb stops in ``frame``: never in another request on the same thread."""
        return self.is_of_request(frame) and bool(super().stop_here(frame))

    def dispatch_return(self, frame: FrameType, arg: Any) -> Any:
        """Stop as pdb does when ``frame`` returns, and end with the request."""
        following = super().dispatch_return(frame, arg)
        if frame is self._frames[-1] and not _is_suspended(frame):
            self.set_continue()
            self._release()
        return following

    def set_continue(self) -> None:
        """Go on without a prompt until the next breakpoint."""
        self._is_over = True
        super().set_continue()

    def set_quit(self) -> None:
        """End the request with an exception."""
        self._is_over = True
        super().set_quit()

    def _hold(self) -> None:
        if self._lock is None:
            path = Path(os.environ.get(environment.RUN_DIR, "."), LOCK)
            lock = path.open("a")
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._lock = lock

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _frames_of_request(frame: FrameType) -> list[FrameType]:
    """Return the frames from ``frame`` outwards, up to the server's."""
    frames = [frame]
    while (outer := frames[-1].f_back) is not None and _package(outer) not in _LOOPS:
        frames.append(outer)
    # One of these may be the loop of a thread, which is no request's.
    while len(frames) > 1 and _package(frames[-1]) in _ADAPTERS:
        frames.pop()
    return frames


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _is_suspended(frame: FrameType) -> bool:
    """Return whether ``frame`` is a coroutine that awaits, for which pdb gets a return as well."""
    # Python 3.13 has gone on to the instruction with which it will resume.
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] in {"YIELD_VALUE", "RESUME"}


def _report(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201


def _open_terminal() -> tuple[IO[str], IO[str]] | None:
    with contextlib.suppress(OSError):
        return open(TERMINAL), open(TERMINAL, "w")  # noqa: PTH123
    run_dir = os.environ.get(environment.RUN_DIR, "")
    with contextlib.suppress(OSError, ValueError):
        # Without a terminal, such as below another program: supervisord's own input and output.
        pid = (Path(run_dir) / SUPERVISORD_PID_FILE).read_text().strip()
        descriptors = Path("/proc", pid, "fd")
        return (descriptors / "0").open(), (descriptors / "1").open("w")
    return None


@contextlib.contextmanager
def _in_foreground(terminal: int) -> Iterator[None]:
    """Make this process group the foreground of the terminal, as a shell does."""
    if not os.isatty(terminal):
        yield
        return
    foreground, modes = os.tcgetpgrp(terminal), termios.tcgetattr(terminal)
    # As a signal, Ctrl-C would end the server, which leads this process group: it clears the line.
    quiet = [*modes]
    quiet[LOCAL_MODES] &= ~termios.ISIG
    quiet[CHARACTERS] = [*modes[CHARACTERS]]
    quiet[CHARACTERS][termios.VKILL] = CTRL_C
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

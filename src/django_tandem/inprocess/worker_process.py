"""What a forked worker changes of its process: its log file, name, priority and parent's death."""

import atexit
import contextlib
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from django_tandem import environment

PR_SET_PDEATHSIG = 1
COMM = Path("/proc/self/comm")
# The kernel keeps no more of a name.
NAME_BYTES = 15

# Whether this process has finished its work, as a worker or as the master.
_is_finished = False

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def process_name(kind: str) -> str:
    """Return the name of a kind's ready processes, as psutil's ``Process.name()`` has it."""
    return f"tandem: {kind}"[:NAME_BYTES]


def booting_name(kind: str) -> str:
    """Return the name of a kind's processes before they are ready."""
    return f"booting: {kind}"[:NAME_BYTES]


def set_process_name(name: str) -> None:
    """Set the name of this process for the kernel, `ps` and `tandem status`."""
    with contextlib.suppress(OSError):
        COMM.write_text(name)


def log_file(kind: str) -> Path | None:
    """Return the log of the workers of a kind; None where they log to stdout and stderr."""
    run_dir = os.environ.get(environment.RUN_DIR)
    if not run_dir or environment.UNSUPERVISED in os.environ:
        return None
    return Path(run_dir, f"{kind}-{os.environ.get(environment.GENERATION)}.log")


def log_to(path: Path) -> None:
    """Have stdout and stderr appended to the file; on a full disk they stay what they are."""
    with contextlib.suppress(OSError):
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for standard in (1, 2):
            os.dup2(log, standard)
        os.close(log)


def stop_with(parent: int) -> bool:
    """Have the kernel send SIGTERM when the ``parent`` dies, on Linux; return whether it will."""
    is_signalled = _libc is not None and _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM) == 0
    # It may have died before, and then no signal would come.
    if os.getppid() != parent:
        sys.exit(0)
    return is_signalled


def register_exit(close_connections: Callable[[], None]) -> None:
    """
    Skip the teardown once a process has finished; call it in the master before anything else.

    Python would visit each object to destroy it, which copies all memory that is shared. It would
    also write what an open file buffers; here only the standard streams are flushed.
    """

    def skip_teardown() -> None:
        if _is_finished:
            close_connections()
            # Registered when logging was imported, so it would run after this handler.
            logging.shutdown()
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(0)

    # Handlers run in the reverse order of their registration: the project's before this one.
    atexit.register(skip_teardown)


def finish() -> None:
    """Note that this process has finished its work, so that it exits with 0."""
    global _is_finished  # noqa: PLW0603 - there is one for each process
    _is_finished = True

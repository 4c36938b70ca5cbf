"""
A standard output that NGINX can open: it writes its access log to /dev/stdout by that name.

The kernel opens the file again by that name. It refuses a socket, such as the journal's of a
systemd service, and a pipe of another user's, such as a container's after `gosu`. Then NGINX gets
a pipe, and a process copies it to the real output:
``python -P -m django_tandem.runtime.standard_output``.
"""

import os
import signal
import subprocess
from collections.abc import Sequence

NAME = "/dev/stdout"
CHUNK_BYTES = 65_536


def make_openable(python: Sequence[str]) -> None:
    """
    Replace this process's standard output by a pipe, if it can't be opened by its name.

    ``python`` is the command of an interpreter.
    """
    if _is_openable():
        return
    reading, writing = os.pipe()
    argv = [*python, "-m", __name__]
    subprocess.Popen(argv, stdin=reading, cwd="/", start_new_session=True)
    os.dup2(writing, 1)
    os.close(reading)
    os.close(writing)


def _is_openable() -> bool:
    try:
        os.close(os.open(NAME, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY))
    except OSError:
        return False
    return True


def copy() -> None:
    """Copy standard input to standard output until the last writer has ended."""
    # Signals are for NGINX, whose last lines come after them.
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    while chunk := os.read(0, CHUNK_BYTES):
        while chunk:
            chunk = chunk[os.write(1, chunk) :]


if __name__ == "__main__":
    copy()

"""A program in a real terminal: a pseudo-terminal, and an emulator that knows its screen."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pyte

DEADLINE_S = 20


class TerminalSession:
    """A `tandem` command in a terminal, between `with`."""

    def __init__(
        self, argv: list[str], cwd: Path, *, columns: int = 80, rows: int = 24, **environment: str
    ) -> None:
        self._argv = [sys.executable, "-m", "django_tandem", *argv]
        self._cwd = cwd
        self._environment = {**os.environ, "TERM": "xterm-256color", **environment}
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._status: int | None = None
        self.received = b""

    def __enter__(self) -> Self:
        parent, child = pty.openpty()
        self._set_size(child, self._screen.columns, self._screen.lines)
        self.modes = termios.tcgetattr(child)
        self.pid = os.fork()
        if self.pid == 0:
            os.login_tty(child)
            os.chdir(self._cwd)
            os.execve(sys.executable, self._argv, self._environment)
        self._terminal, self._kept = parent, child
        return self

    def __exit__(self, *_: object) -> None:
        if not self._has_ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        for descriptor in (self._terminal, self._kept):
            os.close(descriptor)

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return [line.rstrip() for line in self._screen.display]

    def press(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)
        self._set_size(self._terminal, columns, rows)

    def wait_for(self, text: str, *, gone: bool = False) -> list[str]:
        """Return the screen once ``text`` is on it, or no longer."""
        return self.wait_until(lambda lines: (text in "\n".join(lines)) is not gone)

    def wait_until(self, is_reached: Callable[[list[str]], bool]) -> list[str]:
        """Return the screen once ``is_reached`` holds for its lines."""
        until = time.monotonic() + DEADLINE_S
        while not is_reached(self.lines):
            assert time.monotonic() < until, "\n".join(self.lines)
            self._read(0.2)
        return self.lines

    def wait(self) -> int:
        """Return the exit code; modes_after is then what the terminal was left with."""
        until = time.monotonic() + DEADLINE_S
        while not self._has_ended():
            assert time.monotonic() < until, "\n".join(self.lines)
            self._read(0.05)
        self._read(0)
        self.modes_after = termios.tcgetattr(self._kept)
        return os.waitstatus_to_exitcode(self._status)

    def _has_ended(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status is not None

    def _read(self, within_s: float) -> None:
        while select.select([self._terminal], [], [], within_s)[0]:
            read = os.read(self._terminal, 65536)
            self.received += read
            self._stream.feed(read)
            within_s = 0

    @staticmethod
    def _set_size(descriptor: int, columns: int, rows: int) -> None:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

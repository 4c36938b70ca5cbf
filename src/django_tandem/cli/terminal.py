"""A terminal in full: its keys at once, and a screen whose changed lines alone are sent."""

import codecs
import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from types import FrameType

from rich.console import Console
from rich.text import Text

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
CLEAR = "\x1b[2J"
LONGEST_INPUT = 1024


class Terminal:
    """
    The terminal of stdin and stdout, between `with`.

    Rich's Live sends the whole screen each time, which is kilobytes a second over SSH.
    """

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._shown: list[str] = []

    @property
    def size(self) -> tuple[int, int]:
        """Its width and its height now, which a COLUMNS of the environment does not follow."""
        found = os.get_terminal_size(sys.stdout.fileno())
        return found.columns, found.lines

    @contextlib.contextmanager
    def opened(self) -> Iterator["Terminal"]:
        """Take the terminal over, and give it back as it was."""
        self._before = termios.tcgetattr(sys.stdin)
        self._wakeup, write_end = os.pipe()
        os.set_blocking(write_end, False)
        previous = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        # The wake-up alone counts: the size is read before each screen.
        signal.signal(signal.SIGWINCH, self._forget)
        signal.signal(signal.SIGCONT, self._resume)
        signal.signal(signal.SIGTSTP, self._suspend)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self._take()
            yield self
        finally:
            signal.set_wakeup_fd(previous)
            self._give_back()
            for descriptor in (self._wakeup, write_end):
                os.close(descriptor)

    def show(self, lines: Sequence[Text]) -> None:
        """Send the lines that differ from those on the screen; there are as many each time."""
        new = [self._encoded(line) for line in lines]
        if len(new) != len(self._shown):
            self._shown = []
            self._send(CLEAR)
        changed = [
            f"\x1b[{number};1H{line}\x1b[K"
            for number, line in enumerate(new, start=1)
            if self._shown[number - 1 : number] != [line]
        ]
        self._shown = new
        self._send("".join(changed))

    def keys(self, within_s: float) -> str:
        """Return what is typed, empty after ``within_s`` or a change of the size."""
        ready, _, _ = select.select([sys.stdin, self._wakeup], [], [], max(0.0, within_s))
        if self._wakeup in ready:
            os.read(self._wakeup, LONGEST_INPUT)
        if sys.stdin not in ready:
            return ""
        read = os.read(sys.stdin.fileno(), LONGEST_INPUT)
        if not read:
            raise KeyboardInterrupt
        return self._decoder.decode(read)

    def _encoded(self, line: Text) -> str:
        with self.console.capture() as captured:
            self.console.print(line, end="", no_wrap=True, crop=False, overflow="ignore")
        return captured.get()

    def _send(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def _take(self) -> None:
        tty.setcbreak(sys.stdin)
        self._shown = []
        self._send(ENTER)

    def _give_back(self) -> None:
        self._send(LEAVE)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def _forget(self, *_: object) -> None:
        self._shown = []

    def _suspend(self, number: int, _: FrameType | None) -> None:
        self._give_back()
        signal.signal(number, signal.SIG_DFL)
        # It stops here, until SIGCONT; without a shell to continue it, the kernel does not stop it.
        os.kill(os.getpid(), number)
        self._resume()

    def _resume(self, *_: object) -> None:
        signal.signal(signal.SIGTSTP, self._suspend)
        self._take()

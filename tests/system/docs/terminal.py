"""A command that stays in its own terminal, and what a page shows of its output."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

DEADLINE_S = 90


@dataclass
class Terminal:
    """A command that stays in its own terminal, and all that it printed so far."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    seen: int = 0

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, shown: list[str]) -> None:
        """Wait until each of the lines has come, in whatever order."""
        until = time.monotonic() + DEADLINE_S
        wanted = [re.compile(pattern([line])) for line in shown if line.strip() != "…"]
        while missing := self._missing(wanted):
            if self.process.poll() is not None:
                self._reader.join()
                missing = self._missing(wanted)
            is_late = time.monotonic() > until or self.process.poll() is not None
            assert not (missing and is_late), f"{missing} did not come:\n{self.output}"
            time.sleep(0.05)
        self.seen = len(self.lines)

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def _missing(self, wanted: list[re.Pattern[str]]) -> list[str]:
        new = [f"{line}\n" for line in self.lines[self.seen :]]
        return [each.pattern for each in wanted if not any(map(each.fullmatch, new))]

    def interrupt(self) -> None:
        """Press Ctrl-C while the command runs, and wait for the end."""
        assert self.process.poll() is None, self.output
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=DEADLINE_S)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=DEADLINE_S)

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\r\n"))


def pattern(shown: Iterable[str]) -> str:
    """A regex for lines shown: … stands for the rest or a part of one, and alone for any lines."""
    return "".join(r"(?:.*\n)*" if line.strip() == "…" else _line(line) for line in shown)


def _line(line: str) -> str:
    parts = f"{line.removesuffix(' …')}…" if line.endswith(" …") else line
    return ".*".join(map(re.escape, parts.split("…"))) + r"\n"

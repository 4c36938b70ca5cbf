"""What the processes printed: a file each in the run directory."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from django_tandem.runtime.reconcile import generation_of

POLL_S = 0.2


def last_lines(run_dir: Path, program: str, number: int) -> list[str]:
    """Return the last lines of a program's output, oldest first; none when it has printed none."""
    try:
        with (run_dir / f"{program}.log").open("rb") as log:
            # A line of a log is seldom over 200 bytes; a longer one is cut at its start.
            log.seek(max(0, log.seek(0, os.SEEK_END) - 200 * number))
            return log.read().decode(errors="replace").splitlines()[-number:]
    except FileNotFoundError:
        return []


def forget(run_dir: Path, generation: int) -> None:
    """Remove what the programs printed of generations before the last but ``generation``."""
    for log in run_dir.glob("*-*.log*"):
        if 0 < generation_of(log.name.partition(".")[0]) < generation - 1:
            log.unlink(missing_ok=True)


def follow(run_dir: Path, programs: list[str]) -> Iterator[tuple[str, str]]:
    """Yield ``(program, line)`` for each line printed from now on, through rotation, for ever."""
    # Not in the generator itself, which would begin only when it is first asked.
    return _follow({program: _Tail(run_dir / f"{program}.log") for program in programs})


def _follow(logs: dict[str, "_Tail"]) -> Iterator[tuple[str, str]]:
    while True:
        for program, tail in logs.items():
            for line in tail.lines():
                yield program, line
        time.sleep(POLL_S)


class _Tail:
    """One log file that grows, and is begun again when it has grown too long."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._inode = path.stat().st_ino if path.exists() else 0

    def lines(self) -> list[str]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return []
        if found.st_ino != self._inode or found.st_size < self._offset:
            self._inode, self._offset = found.st_ino, 0
        with self._path.open("rb") as log:
            log.seek(self._offset)
            # An unfinished line is left for the next time.
            whole = log.read().rpartition(b"\n")[0]
        self._offset += len(whole) + 1 if whole else 0
        return whole.decode(errors="replace").splitlines()

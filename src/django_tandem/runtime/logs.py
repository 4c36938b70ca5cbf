"""The programs' log files in the run directory: read from the end, followed, rotated."""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from django_tandem.atomic_files import replacing
from django_tandem.model import MAX_LINE_BYTES
from django_tandem.model.programs import generation_of

POLL_S = 0.2
MAX_LOG_BYTES = 10 * 1024 * 1024
# A log that grows faster than it is read is rotated by then, even if lines are lost to its reader.
MAX_UNREAD_LOG_BYTES = 10 * MAX_LOG_BYTES
READ_BYTES = 1024 * 1024
# As strftime() takes it.
STARTED = "— started %Y-%m-%d %H:%M:%S UTC —\n"
# 0.1.0 wrote the local time, without a zone.
IS_START = re.compile(r"— started [\d-]+ [\d:]+(?: UTC)? —")
LINE_END = re.compile(rb"\r\n|\n|\r")


def log_path(run_dir: Path, program: str) -> Path:
    """Return the log file of a program; it is rotated to the same name with ``.1`` added."""
    return run_dir / f"{program}.log"


def last_bytes(run_dir: Path, program: str, number: int) -> list[bytes]:
    """Return the last lines of a program's log, oldest first; none without a log."""
    tail = LogTail(log_path(run_dir, program))
    return [*tail.last_lines(number), *tail.finish()][-number:] if number else []


def last_lines(run_dir: Path, program: str, number: int) -> list[str]:
    """Return the last lines of a program's log as text."""
    return [line.decode(errors="replace") for line in last_bytes(run_dir, program, number)]


def mark_start(run_dir: Path) -> None:
    """Add a line to each log of an earlier start, to mark where this one begins."""
    for path in run_dir.glob("*.log"):
        with path.open("r+b") as log:
            if end := log.seek(0, os.SEEK_END):
                log.seek(end - 1)
                is_whole = log.read() == b"\n"
                text = time.strftime(STARTED, time.gmtime())
                log.write((text if is_whole else f"\n{text}").encode())


def lines_of_this_start(run_dir: Path, program: str, number: int) -> list[str]:
    """Return as last_lines(), without the lines of earlier starts."""
    lines = last_lines(run_dir, program, number)
    starts = [index for index, line in enumerate(lines) if IS_START.fullmatch(line)]
    return lines[starts[-1] + 1 :] if starts else lines


def remove_old_logs(run_dir: Path, generation: int) -> None:
    """Remove the logs of generations older than the one before ``generation``."""
    for log in run_dir.glob("*-*.log*"):
        if 0 < generation_of(log.name.partition(".")[0]) < generation - 1:
            log.unlink(missing_ok=True)


def all_lines(run_dir: Path, program: str) -> Iterator[bytes]:
    """Yield each line of a program's log, oldest first, from before its rotation on."""
    path = log_path(run_dir, program)
    splitter = LineSplitter()
    for each in (_rotated(path), path):
        with contextlib.suppress(FileNotFoundError), each.open("rb") as log:
            while data := log.read(READ_BYTES):
                yield from splitter.feed(data)
    yield from splitter.finish()


def follow(
    run_dir: Path, programs: Callable[[], Iterable[str]], number: int
) -> Iterator[tuple[str, list[bytes]]]:
    """
    Yield ``(program, lines)`` for the last lines of each log, then for the new ones, forever.

    ``programs`` is called again each time, for a reload starts new ones. Lines of a program that
    has none in a round are an empty list.
    """
    tails: dict[str, LogTail] = {}
    for program in programs():
        tails[program] = LogTail(log_path(run_dir, program))
        yield program, tails[program].last_lines(number)
    while True:
        for program in set(programs()) - tails.keys():
            tails[program] = LogTail(log_path(run_dir, program), from_end=False)
        for program, tail in tails.items():
            yield program, tail.read_lines()
        time.sleep(POLL_S)


class LineSplitter:
    r"""Bytes as they come → whole lines, ended by ``\n`` or ``\r``, or cut at MAX_LINE_BYTES."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._ended_by_return = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that ``data`` completes, in time linear in its length."""
        if self._ended_by_return and data.startswith(b"\n"):
            # The rest of a \r\n that was split between two reads.
            data = data[1:]
        self._ended_by_return = data.endswith(b"\r")
        *lines, rest = LINE_END.split(data)
        if lines:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        self._rest += rest
        cut = [part for line in lines for part in _cut(line)]
        while len(self._rest) >= MAX_LINE_BYTES:
            cut.append(bytes(self._rest[:MAX_LINE_BYTES]))
            del self._rest[:MAX_LINE_BYTES]
        return cut

    def finish(self) -> list[bytes]:
        """Return what is left without the end of a line, if anything."""
        rest = [bytes(self._rest)] if self._rest else []
        self._rest.clear()
        return rest


def _cut(line: bytes) -> list[bytes]:
    starts = range(0, len(line), MAX_LINE_BYTES)
    return [line[start : start + MAX_LINE_BYTES] for start in starts] or [b""]


class LogTail:
    """One log file that grows and is rotated."""

    def __init__(self, path: Path, *, from_end: bool = True) -> None:
        self._path = path
        self._splitter = LineSplitter()
        self._inode = self._offset = 0
        # A file that was rotated before it was read to its end.
        self._rotated: BinaryIO | None = None
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            self._inode, self._offset = found.st_ino, found.st_size if from_end else 0

    @property
    def is_behind(self) -> bool:
        """Whether an earlier log is still read: what another rotation moves is not read at all."""
        return self._rotated is not None

    @property
    def max_log_bytes(self) -> int:
        """The length from which the log is to be rotated: longer while an earlier one is read."""
        return MAX_UNREAD_LOG_BYTES if self.is_behind else MAX_LOG_BYTES

    def last_lines(self, number: int) -> list[bytes]:
        """Return the last whole lines before those that read_lines() will return."""
        data = _read_end(self._path, self._offset, number)
        if data.count(b"\n") <= number:
            data = _read_end(_rotated(self._path), None, number) + data
        return self._splitter.feed(data)[-number:] if number > 0 else []

    def read_lines(self) -> list[bytes]:
        """Return lines completed since the last call, from at most READ_BYTES of each file."""
        try:
            log = self._path.open("rb")
        except FileNotFoundError:
            return []
        with log:
            found = os.fstat(log.fileno())
            lines = []
            if found.st_ino != self._inode:
                self._inode, self._offset = found.st_ino, 0
            elif found.st_size < self._offset:
                self._open_rotated()
            if self._rotated is not None:
                data = self._rotated.read(READ_BYTES)
                lines = self._splitter.feed(data)
                if len(data) == READ_BYTES:
                    return lines
                self._close_rotated()
            log.seek(self._offset)
            data = log.read(READ_BYTES)
            self._offset += len(data)
            return [*lines, *self._splitter.feed(data)]

    def finish(self) -> list[bytes]:
        """Return the last line, which has no end, if there is one."""
        return self._splitter.finish()

    def _open_rotated(self) -> None:
        self._close_rotated()
        with contextlib.suppress(FileNotFoundError):
            self._rotated = _rotated(self._path).open("rb")
            self._rotated.seek(self._offset)
        self._offset = 0

    def _close_rotated(self) -> None:
        if self._rotated is not None:
            self._rotated.close()
            self._rotated = None


def _read_end(path: Path, end: int | None, lines: int) -> bytes:
    """Return what is before ``end``, with more than ``lines`` whole lines if there are so many."""
    data = b""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as log:
        position = log.seek(0, os.SEEK_END) if end is None else end
        while position > 0 and data.count(b"\n") <= lines:
            start = max(0, position - MAX_LINE_BYTES)
            log.seek(start)
            data = log.read(position - start) + data
            position = start
    return data


def rotate(path: Path, max_bytes: int) -> int:
    """
    Rotate a log that is longer than ``max_bytes``, by copying it and truncating it.

    Its program keeps writing to the same file, and few of them could open another. Return the
    bytes that were rotated, 0 if none.
    """
    with contextlib.suppress(FileNotFoundError):
        size = path.stat().st_size
        if size <= max_bytes:
            return 0
        try:
            _copy_and_truncate(path)
        except OSError:
            # A full disk, most likely: losing the log is better than filling it.
            if size <= 2 * max_bytes:
                return 0
            os.truncate(path, 0)
        return size
    return 0


def _copy_and_truncate(path: Path) -> None:
    rotated = _rotated(path)
    with path.open("rb") as log:
        # In place before the truncation: a reader that follows the log finds the rest there.
        with replacing(rotated) as new, new.open("wb") as copy:
            shutil.copyfileobj(log, copy, READ_BYTES)
        with rotated.open("ab") as copy:
            # What was written in the meantime.
            shutil.copyfileobj(log, copy, READ_BYTES)
        os.truncate(path, 0)


def _rotated(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")

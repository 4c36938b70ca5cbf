"""What supervisord's stdout shows: each line of every program, with its name or as JSON."""

import contextlib
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from django_tandem.inprocess.startup_failures import read_startup_failure
from django_tandem.model import REQUESTS_FILE, LogFormat, Stack, programs
from django_tandem.model.programs import MASTER, generation_of, numbered
from django_tandem.runtime.json_lines import JsonLines, own_object
from django_tandem.runtime.line_blocks import INFO, WARNING
from django_tandem.runtime.logs import READ_BYTES, LogTail, log_path, rotate
from django_tandem.runtime.state import READY_FILE

STDERR = 2
POLL_S = 0.1
# Without a reader only the size of the logs is checked.
ROTATE_S = 1.0
BUFFER_BYTES = 1024 * 1024
# What the edge writes while no monitor reads: of ten minutes with a thousand requests a second.
MAX_UNREAD_REQUESTS_BYTES = 100 * 1024 * 1024
# Of st_blocks, on each file system.
BLOCK_BYTES = 512
# A pipe that select() calls writable takes so many bytes without blocking (POSIX).
CHUNK_BYTES = select.PIPE_BUF

# Lines that are in the log alone.
NOISE = {
    # Of saves and forks, and the embedded one makes none.
    programs.VALKEY: (
        b"WARNING Memory overcommit must be enabled",
        b"WARNING You have Transparent Huge Pages (THP) support enabled",
    ),
    # A request while a server starts: the access log has its 503, and tandem prints each restart.
    programs.NGINX: tuple(
        b"connect() to unix:%s.sock failed (2: No such file or directory)" % stack.encode()
        for stack in Stack
    ),
}


class PrefixedLines:
    """The lines of one program's log, its name before each."""

    def __init__(self, program: str) -> None:
        self._prefix = b"%-10s | " % program.encode()

    def feed(self, lines: Sequence[bytes]) -> list[bytes]:
        """Return ``lines`` with their prefix."""
        return [self._prefix + line for line in lines]

    def finish(self) -> list[bytes]:
        """Return nothing: each line is printed at once."""
        return []


class LogMultiplexer:
    """
    A thread that follows the programs' logs and prints them, and rotates the logs.

    Neither the programs, which write to files, nor supervisord ever wait for it. A reader
    that falls behind by more than BUFFER_BYTES loses lines, which are counted.
    """

    def __init__(self, run_dir: Path, descriptor: int = 1, *, is_announced: bool = False) -> None:
        self._run_dir = run_dir
        self._descriptor = descriptor
        self._tails: dict[str, LogTail] = {}
        # Bounded, both: a log may stay unreadable, and a terminal may block even the thread.
        self._ended: deque[tuple[str, LogTail]] = deque(maxlen=1000)
        self._own: deque[tuple[str, str]] = deque(maxlen=1000)
        self._log_format = LogFormat.TEXT
        self._formats: dict[str, PrefixedLines | JsonLines] = {}
        self._lines: deque[bytes] = deque()
        self._buffered_bytes = 0
        self._left_out = 0
        # Whether `tandem up` reports the start; not where plain supervisord was started.
        self._is_announced = is_announced
        self._has_named_logs = False
        self._is_read = _is_read(descriptor)
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log multiplexer", daemon=True)

    def start(self) -> None:
        """Start the thread, and have nothing that supervisord prints to stderr block or fail."""
        self._thread.start()
        sys.stderr = _Lines(self) if self._is_read else _UnfailingStderr()

    def add(self, program: str) -> None:
        """Follow a program's log from its end on, before the program is started."""
        if program not in self._tails:
            self._tails[program] = LogTail(log_path(self._run_dir, program))

    def finish_line(self, program: str) -> None:
        """Print a program's last line though it has no end: the program has ended."""
        tail = self._tails.get(program)
        if tail is not None and self._is_read:
            self._ended.append((program, tail))

    def forget(self, program: str) -> None:
        """Follow a program no longer, once its last lines are printed: it was removed."""
        self.finish_line(program)
        self._tails.pop(program, None)

    def print_line(self, text: str, level: str = INFO) -> None:
        """Print a line of supervisord's own, without blocking."""
        self._own.append((text, level))

    def set_format(self, log_format: LogFormat) -> None:
        """Print lines of this format from now on, as the live generation logs them."""
        self._log_format = log_format

    def close(self, within_s: float = 1.0) -> None:
        """Print what is left, unless that takes too long."""
        self._is_closing.set()
        if self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        while not self._is_closing.is_set():
            is_behind = self._is_read and self._collect()
            self._print()
            for program, tail in tuple(self._tails.items()):
                # Tried again in the next round, as are the reads.
                with contextlib.suppress(OSError):
                    self._rotate(program, tail)
            with contextlib.suppress(OSError):
                self._bound_requests()
            if not is_behind:
                self._is_closing.wait(POLL_S if self._is_read else ROTATE_S)
        while self._is_read and self._collect():
            self._print()
        for each in self._formats.values():
            self._buffer_formatted(each.finish())
        while self._lines and self._is_read:
            self._print(wait_s=1.0)

    def _rotate(self, program: str, tail: LogTail) -> None:
        is_behind = tail.is_behind and self._is_read
        lost = rotate(log_path(self._run_dir, program), tail.max_log_bytes)
        if is_behind and lost:
            text = f"{lost} bytes of {program}.log left out, since it grew faster than it was read"
            self._buffer_formatted([self._own_line(text, WARNING, lost_bytes=lost)])

    def _bound_requests(self) -> None:
        """Empty the file for the monitor if none reads it: the disk must not fill."""
        path = self._run_dir / REQUESTS_FILE
        if path.stat().st_blocks * BLOCK_BYTES <= MAX_UNREAD_REQUESTS_BYTES:
            return
        os.truncate(path, 0)
        if self._is_read:
            text = f"{REQUESTS_FILE} was emptied, since the monitor did not read it"
            self._buffer_formatted([self._own_line(text, WARNING)])

    def _collect(self) -> bool:
        """Buffer the new lines; return whether there may be more."""
        is_behind = False
        # A program that ended before this round writes nothing more.
        ended = [self._ended.popleft() for _ in range(len(self._ended))]
        for program, tail in tuple(self._tails.items()):
            # No descriptor may be free at the moment.
            with contextlib.suppress(OSError):
                lines = tail.read_lines()
                is_behind = is_behind or sum(map(len, lines)) > READ_BYTES // 2
                self._buffer(program, lines)
        for program, tail in ended:
            is_behind = self._collect_last(program, tail) or is_behind
        own = [self._own.popleft() for _ in range(len(self._own))]
        self._buffer_formatted(self._own_line(*each) for each in own)
        return is_behind

    def _collect_last(self, program: str, tail: LogTail) -> bool:
        """Buffer new lines of a program that ended, then its last; return if there are more."""
        try:
            lines = tail.read_lines()
        except OSError:
            self._ended.append((program, tail))
            return False
        self._buffer(program, lines or tail.finish())
        if lines:
            self._ended.append((program, tail))
            return True
        self._buffer(program, [])
        if program not in self._tails:
            self._formats.pop(program, None)
        return False

    def _buffer(self, program: str, lines: Sequence[bytes]) -> None:
        if lines and self._is_reported(program):
            return
        noise = NOISE.get(program, ())
        kept = [line for line in lines if not any(text in line for text in noise)]
        if kept or not lines:
            self._buffer_formatted(self._format_of(program).feed(kept))

    def _buffer_formatted(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            if self._buffered_bytes + len(line) > BUFFER_BYTES:
                self._left_out += 1
                continue
            self._report_left_out()
            self._append(line)

    def _format_of(self, program: str) -> PrefixedLines | JsonLines:
        kind = JsonLines if self._log_format is LogFormat.JSON else PrefixedLines
        found = self._formats.get(program)
        if isinstance(found, kind):
            return found
        if found is not None:
            self._buffer_formatted(found.finish())
        self._formats[program] = kind(program)
        return self._formats[program]

    def _own_line(self, text: str, level: str, **further: int) -> bytes:
        # A path that is not UTF-8 would end the thread.
        if self._log_format is LogFormat.JSON:
            return own_object(text, level, **further).encode(errors="backslashreplace")
        return PrefixedLines("tandem").feed([text.encode(errors="backslashreplace")])[0]

    def _is_reported(self, program: str) -> bool:
        """Return whether `tandem up` prints why this program did not load the project."""
        if not self._is_announced or (self._run_dir / READY_FILE).exists():
            return False
        # Of the workers of a shared master their master has the record.
        names = {program, numbered(MASTER, generation_of(program))}
        if not any(read_startup_failure(self._run_dir, name) for name in names):
            return False
        if not self._has_named_logs:
            self._has_named_logs = True
            self.print_line(f"`tandem logs {program}` shows the whole traceback")
        return True

    def _append(self, line: bytes) -> None:
        self._lines.append(line + b"\n")
        self._buffered_bytes += len(self._lines[-1])

    def _report_left_out(self) -> None:
        if self._left_out:
            lost, self._left_out = self._left_out, 0
            text = f"{lost} lines left out, since this output was not read in time"
            whole = f"{text}; `tandem logs` has them"
            self._append(self._own_line(whole, WARNING, lost_lines=lost))

    def _print(self, wait_s: float = 0.0) -> None:
        try:
            while self._lines and select.select([], [self._descriptor], [], wait_s)[1]:
                chunk = self._next_chunk()
                written = os.write(self._descriptor, chunk)
                self._buffered_bytes -= written
                if written < len(chunk):
                    self._lines.appendleft(chunk[written:])
        except BlockingIOError:
            self._lines.appendleft(chunk)
        except (OSError, ValueError):
            # The reader is gone, or the terminal: no reason to take the servers down.
            self._is_read = False
            self._lines.clear()
        if not self._lines:
            self._buffered_bytes = 0
            self._report_left_out()
        elif wait_s:
            # At the end nobody waits for a reader that does not read.
            self._is_read = False

    def _next_chunk(self) -> bytes:
        chunk = bytearray(self._lines.popleft())
        while self._lines and len(chunk) + len(self._lines[0]) <= CHUNK_BYTES:
            chunk += self._lines.popleft()
        if len(chunk) > CHUNK_BYTES:
            self._lines.appendleft(bytes(chunk[CHUNK_BYTES:]))
            del chunk[CHUNK_BYTES:]
        return bytes(chunk)


class _Lines:
    """A text stream whose lines are printed by the multiplexer."""

    def __init__(self, output: LogMultiplexer) -> None:
        self._output = output
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._output.print_line(line)
        return len(text)

    def flush(self) -> None:
        """Do nothing: a line is printed when it is whole."""


class _UnfailingStderr:
    """The stderr of a detached supervisord: a file whose disk may be full."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            os.write(STDERR, text.encode(errors="replace"))
        return len(text)

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""


def _is_read(descriptor: int) -> bool:
    try:
        return not os.path.samestat(os.fstat(descriptor), os.stat(os.devnull))  # noqa: PTH116
    except OSError:
        return False

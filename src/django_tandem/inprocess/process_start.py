"""The first steps of each process that loads the project: its streams, its logging, its signals."""

import io
import os
import signal
import sys
from typing import Any, NoReturn

from django_tandem.inprocess import json_logging, prometheus_files
from django_tandem.inprocess.prefork import note_own_descriptors


def prepare_process() -> None:
    """Prepare the streams, the logging and the metrics of this process for the project."""
    ignore_write_errors()
    json_logging.install()
    prometheus_files.make_directory()
    # Last: what is open by now is not the project's.
    note_own_descriptors()


class LossyFile(io.FileIO):
    """A file that drops what can't be written, such as on a full disk."""

    def write(self, data: Any) -> int:
        """Write ``data`` as far as possible, and report all of it as written."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest:
                # None when a pipe is full that does not block.
                rest = rest[super().write(rest) or len(rest) :]
        except OSError:
            pass
        return size


def ignore_write_errors() -> None:
    """Replace sys.stdout and sys.stderr by streams to the same files that drop what fails."""
    sys.stdout = _lossy(sys.stdout)
    sys.stderr = _lossy(sys.stderr)


def _lossy(stream: Any) -> Any:
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError, ValueError):
        # None, closed, or replaced by an object without a file.
        return stream
    if os.isatty(descriptor):
        return stream
    return io.TextIOWrapper(
        # TextIOWrapper accepts a raw file, as with `python -u`.
        LossyFile(descriptor, "w", closefd=False),
        encoding=stream.encoding,
        errors="backslashreplace",
        write_through=True,
    )


STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})


def take_signals() -> None:
    """Have a stop end this process until it handles the signals; deliver one that has come."""
    # The kernel sends process 1 no signal without a handler, and the import may take long.
    for each in STOP_SIGNALS:
        signal.signal(each, _exit_by_signal)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def are_signals_blocked() -> bool:
    """Return whether this process was executed with the signals blocked, for it to take them."""
    return signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _exit_by_signal(number: int, _frame: Any) -> NoReturn:
    os._exit(128 + number)

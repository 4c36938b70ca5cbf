"""The records of a minute are written in a thread: a slow disk must not keep clients waiting."""

import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from django_tandem.monitor.minutes import RouteMinute
from django_tandem.runtime.waiting import report

# One that is written, and one that waits for it.
MOST_UNFINISHED = 2


class BackgroundWriter:
    """Calls ``write`` with the records of one minute after the other."""

    def __init__(self, write: Callable[[list[RouteMinute]], None]) -> None:
        self._write_now = write
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._unfinished: list[Future[None]] = []

    def write(self, records: list[RouteMinute]) -> None:
        """Have ``records`` written, and return at once."""
        self._unfinished = [each for each in self._unfinished if not each.done()]
        if len(self._unfinished) >= MOST_UNFINISHED:
            report("Writing to the disk took longer than a minute: the history lacks one.")
            return
        self._unfinished.append(self._executor.submit(self._write, records))

    def close(self) -> None:
        """Wait until all is written."""
        self._executor.shutdown()

    def _write(self, records: list[RouteMinute]) -> None:
        try:
            self._write_now(records)
        except Exception:  # noqa: BLE001 - a bug of one minute must not end the others
            traceback.print_exc()

"""How a command waits for something and reports on it: deadlines, polling, lines on stderr."""

import sys
import time
from collections.abc import Callable

from django_tandem.model import LogFormat
from django_tandem.runtime.json_lines import own_object
from django_tandem.runtime.line_blocks import INFO

# Often enough for a person, and cheap enough for a call to supervisord each time.
POLL_S = 0.05
# Each poll of supervisord or of the processes takes some milliseconds of CPU time, from those that
# start too: so a long wait polls less often, and lasts an eighth longer at most.
LONGEST_POLL_S = 0.25
PART = 8

Report = Callable[[str], None]


def report(text: str) -> None:
    """Print one line of progress to stderr, at once."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def report_as(log_format: LogFormat, level: str = INFO) -> Report:
    """Return report() for lines that a log collector reads together with those of the programs."""
    if log_format is LogFormat.TEXT:
        return report
    return lambda text: report(own_object(text, level))


class Deadline:
    """A point in time, ``limit_s`` seconds from now."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._until = time.monotonic() + limit_s

    @property
    def is_over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() > self._until


def pause(began: float) -> None:
    """Sleep between two polls of a wait that ``began`` at that reading of the monotonic clock."""
    time.sleep(min(LONGEST_POLL_S, max(POLL_S, (time.monotonic() - began) / PART)))


def wait_until(holds: Callable[[], bool], within_s: float, *, each_s: float = POLL_S) -> bool:
    """Poll until it ``holds``, at least once, and return whether it did ``within_s``."""
    deadline = Deadline(within_s)
    while not holds():
        if deadline.is_over:
            return False
        time.sleep(each_s)
    return True

"""The programs below supervisord, as the probes see them from another thread."""

import time
from collections.abc import Callable
from typing import Any

from supervisor.states import ProcessStates, SupervisorStates

RUNNING = (ProcessStates.STARTING, ProcessStates.RUNNING)


class SupervisedPrograms:
    """
    The programs of one supervisord.

    ``loop_ran_at`` returns when supervisord's loop has last run, on the monotonic clock.
    """

    def __init__(self, supervisord: Any, loop_ran_at: Callable[[], float]) -> None:
        self._supervisord = supervisord
        self._loop_ran_at = loop_ran_at

    @property
    def is_shut_down(self) -> bool:
        """Whether a stop has begun."""
        return bool(self._supervisord.options.mood < SupervisorStates.RUNNING)

    @property
    def loop_age_s(self) -> float:
        """The time since supervisord's loop has run."""
        return time.monotonic() - self._loop_ran_at()

    def uptime_s(self, program: str) -> float | None:
        """Return for how long a program has run, None if it does not."""
        # Another thread's: each look-up finds the program, or it has just been removed.
        group = self._supervisord.process_groups.get(program)
        process = group.processes.get(program) if group else None
        if process is None or process.get_state() not in RUNNING:
            return None
        return max(0.0, time.time() - float(process.laststart))

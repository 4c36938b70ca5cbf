"""The proving of a new generation: each of its processes answers, and has never ended."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from django_tandem.inprocess import startup_failures
from django_tandem.model import Process, Status
from django_tandem.render.state import State
from django_tandem.runtime.readiness import Dead, Known, Ready, wait
from django_tandem.runtime.waiting import Deadline

# What supervisord says of a process that has ended, before its time or for good.
ENDED = ("BACKOFF", "EXITED", "FATAL")


class Proof:
    """What is known of the processes that were started, from the first to the last look."""

    def __init__(
        self, started: Sequence[Process], state: State, run_dir: Path, deadline: Deadline
    ) -> None:
        self._started = started
        self._state = state
        self._run_dir = run_dir
        self._deadline = deadline
        self._pids: dict[str, int] = {}

    def of(self, processes: Sequence[Process]) -> Iterator[Ready | Dead]:
        """Yield each of ``processes`` as it becomes ready, or whichever ended meanwhile."""
        yield from wait(processes, self._state, self._run_dir, self._given_up, self._deadline)

    def _given_up(self, known: Known) -> Dead | None:
        if not known:
            return Dead(process=None, because="supervisord ended")
        for process in self._started:
            because = self._fault(process.program, known.get(process.program))
            if because:
                return Dead(process=process, because=because)
        return None

    def _fault(self, program: str, status: Status | None) -> str:
        if status is None:
            # Its turn has not come.
            return ""
        first = self._pids.setdefault(program, status.pid) or status.pid
        self._pids[program] = first
        if status.state in ENDED or status.pid != first:
            return status.detail or "it ended"
        return (
            "it can't load the project"
            if startup_failures.read_startup_failure(self._run_dir, program)
            else ""
        )

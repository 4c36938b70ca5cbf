"""The wait of a start or a reload until all programs are healthy, or the first one fails."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django_tandem.inprocess import generation_files, startup_failures
from django_tandem.model import Process, Status, programs
from django_tandem.model.programs import generation_of, is_master, is_optional, log_names
from django_tandem.model.state import State
from django_tandem.runtime import supervisord
from django_tandem.runtime.health import UP_S, Answered, check, has_no_check, silent_kinds
from django_tandem.runtime.logs import lines_of_this_start
from django_tandem.runtime.state import FAILED_FILE
from django_tandem.runtime.waiting import Deadline, pause

# A project may take this long to import before its first process is given up.
START_DEADLINE_S = 120
# As often as supervisord restarts a program that ends at each start.
WORKER_RESTARTS = 3
# What is shown of a failed program's log.
LINES = 20

# The states of a process that has ended, before its time or for good.
ENDED = ("BACKOFF", "EXITED", "FATAL")

Statuses = Mapping[str, Status]


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """A process that passed its health check, and how it showed."""

    process: Process
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A process that won't become healthy; None when supervisord itself ended."""

    process: Process | None
    reason: str


Result = Healthy | Failed
FindFailure = Callable[[Statuses], Failed | None]


def wait_until_healthy(
    processes: Sequence[Process],
    state: State,
    run_dir: Path,
    find_failure: FindFailure,
    deadline: Deadline,
) -> Iterator[Result]:
    """Yield each of ``processes`` as it becomes healthy, or the first failure, and end there."""
    waiting, began = list(processes), time.monotonic()
    # Each check is a request and counts towards MAX_REQUESTS, so none that passed is repeated.
    answered: Answered = set()
    while waiting:
        try:
            statuses = {each.name: each for each in supervisord.statuses(run_dir)}
        except OSError:
            statuses = {}
        failed = find_failure(statuses)
        if failed is not None:
            yield failed
            return
        for process in _checkable(waiting):
            reason = _check_up(process, statuses.get(process.program), state, answered)
            if reason:
                waiting.remove(process)
                yield Healthy(process=process, reason=reason)
        if waiting and deadline.is_over:
            yield _late(waiting[0], statuses, deadline, answered)
            return
        pause(began)


def _late(process: Process, statuses: Statuses, deadline: Deadline, answered: Answered) -> Failed:
    status = statuses.get(process.program)
    silent = silent_kinds(process, status.pid, answered) if process.is_master and status else []
    of_kinds = f" of {' and '.join(silent)}" if silent else ""
    return Failed(process=process, reason=f"no answer{of_kinds} within {deadline.limit_s:g} s")


def wait_for_start(
    state: State,
    run_dir: Path,
    is_alive: Callable[[], bool],
    timeout_s: float = START_DEADLINE_S,
) -> Iterator[Result]:
    """
    Yield each process of a stack that starts as it becomes healthy, or the one that failed.

    ``is_alive`` returns whether supervisord still runs.
    """

    def find_failure(_statuses: Statuses) -> Failed | None:
        # What is behind the end of a program comes before the end itself.
        finders = (_find_load_failure, _read_failure, _find_ending_workers)
        failed = next(filter(None, (find(state, run_dir) for find in finders)), None)
        if failed is None and not is_alive():
            return Failed(process=None, reason="supervisord ended")
        return failed

    deadline = Deadline(timeout_s)
    needed = [each for each in state.processes if not is_optional(each.name)]
    yield from wait_until_healthy(needed, state, run_dir, find_failure, deadline)


class HealthGate:
    """The health of a new generation: each process passes its check, and none has ever ended."""

    def __init__(
        self, started: Sequence[Process], state: State, run_dir: Path, deadline: Deadline
    ) -> None:
        self._started = started
        self._state = state
        self._run_dir = run_dir
        self._deadline = deadline
        self._pids: dict[str, int] = {}

    def iterate_health(self, processes: Sequence[Process]) -> Iterator[Result]:
        """Yield each of ``processes`` as it becomes healthy, or any process that failed."""
        yield from wait_until_healthy(
            processes, self._state, self._run_dir, self._find_failure, self._deadline
        )

    def _find_failure(self, statuses: Statuses) -> Failed | None:
        if not statuses:
            return Failed(process=None, reason="supervisord ended")
        for process in self._started:
            reason = self._why_failed(process.program, statuses.get(process.program))
            if reason:
                return Failed(process=process, reason=reason)
        return None

    def _why_failed(self, program: str, status: Status | None) -> str:
        if status is None:
            # It has not been started yet.
            return ""
        first = self._pids.setdefault(program, status.pid) or status.pid
        self._pids[program] = first
        # Before its end, which it is the reason for.
        if startup_failures.read_startup_failure(self._run_dir, program):
            return startup_failures.CANNOT_LOAD
        if status.state in ENDED or status.pid != first:
            return status.detail or "it ended"
        # A shared master replaces its workers itself.
        ended = generation_files.read_restarts(self._run_dir, generation_of(program))
        return f"its {next(iter(ended))} worker ended" if is_master(program) and ended else ""


def format_failure(failed: Failed, run_dir: Path) -> str:
    """Return which process failed and why, with the last lines of its log."""
    if failed.process is None:
        return f"Not started: {failed.reason}."
    program = failed.process.program
    # The traceback of a project that did not load may not be in the log yet.
    traceback = startup_failures.read_startup_failure(run_dir, program).splitlines()[-LINES:]
    lines = traceback or _last_lines(run_dir, program)
    summary = f"{program} can't be started: {failed.reason}."
    if not lines:
        return summary
    return "\n".join([f"{summary} Its last lines:", *(f"  {line}" for line in lines)])


def _last_lines(run_dir: Path, program: str) -> list[str]:
    every = (lines_of_this_start(run_dir, name, LINES) for name in log_names(program))
    return [line for lines in every for line in lines][-LINES:]


def _checkable(waiting: list[Process]) -> list[Process]:
    # The edge is healthy only when the stacks are, and logs an error for each earlier request.
    behind = [process for process in waiting if process.name != programs.NGINX]
    return behind or list(waiting)


def _check_up(process: Process, status: Status | None, state: State, answered: Answered) -> str:
    if status is None or not status.pid:
        return ""
    if has_no_check(process) and status.since_s < UP_S:
        return ""
    return check(process, state, status.pid, answered)


def _find_load_failure(state: State, run_dir: Path) -> Failed | None:
    # At the first: some servers restart such workers forever, and `up` has just loaded it itself.
    for process in state.processes:
        if startup_failures.read_startup_failure(run_dir, process.program):
            return Failed(process=process, reason=startup_failures.CANNOT_LOAD)
    return None


def _find_ending_workers(state: State, run_dir: Path) -> Failed | None:
    # A shared master restarts its workers forever, each two seconds after the start before.
    ended = generation_files.read_restarts(run_dir, state.generation)
    for process in filter(lambda each: each.is_master, state.processes):
        for kind, times in ended.items():
            if times > WORKER_RESTARTS:
                return Failed(process=process, reason=f"its {kind} worker ended {times} times")
    return None


def _read_failure(state: State, run_dir: Path) -> Failed | None:
    try:
        name, reason = (run_dir / FAILED_FILE).read_text().split("\n", 1)
    except FileNotFoundError:
        return None
    process = next((each for each in state.processes if each.program == name), None)
    return Failed(process=process, reason=reason)

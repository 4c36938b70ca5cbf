"""When each process of a stack does its work: asked until it answers, never slept for."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django_tandem.model import Process, Status
from django_tandem.render.state import State
from django_tandem.runtime import supervisord
from django_tandem.runtime.edge import EDGE
from django_tandem.runtime.questions import ask, only_runs
from django_tandem.runtime.sockets import FAILED
from django_tandem.runtime.waiting import POLL_S, Deadline

# What has no socket to ask is taken for up when it has not died by then.
SETTLED_S = 2
# A project may take this long to import before its first process is given up.
START_DEADLINE_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """One process that does its work, and how that is known."""

    process: Process
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """One process that was given up, or None when supervisord itself went away."""

    process: Process | None
    because: str


Known = Mapping[str, Status]


def watch(state: State, run_dir: Path, is_alive: Callable[[], bool]) -> Iterator[Ready | Dead]:
    """
    Yield each process of ``state`` as it becomes ready, or the one that won't, and end there.

    ``is_alive`` tells whether supervisord itself still runs.
    """

    def given_up(_known: Known) -> Dead | None:
        failed = _failed(state, run_dir)
        if failed is None and not is_alive():
            return Dead(process=None, because="supervisord ended")
        return failed

    yield from wait(state.processes, state, run_dir, given_up, Deadline(START_DEADLINE_S))


def wait(
    processes: Sequence[Process],
    state: State,
    run_dir: Path,
    given_up: Callable[[Known], Dead | None],
    deadline: Deadline,
) -> Iterator[Ready | Dead]:
    """Yield each of ``processes`` as it becomes ready, or who is ``given_up`` by what is known."""
    waiting = list(processes)
    while waiting:
        try:
            known = {each.name: each for each in supervisord.statuses(run_dir)}
        except OSError:
            known = {}
        dead = given_up(known)
        if dead is not None:
            yield dead
            return
        for process in _askable(waiting):
            because = _ask(process, known.get(process.program), state)
            if because:
                waiting.remove(process)
                yield Ready(process=process, because=because)
        if waiting and deadline.is_over:
            yield Dead(process=waiting[0], because=f"no answer within {deadline.whole_s:g} s")
            return
        time.sleep(POLL_S)


def _askable(waiting: list[Process]) -> list[Process]:
    # The edge answers only for what is behind it, and would log each question it had to refuse.
    behind = [process for process in waiting if process.name != EDGE]
    return behind or list(waiting)


def _ask(process: Process, status: Status | None, state: State) -> str:
    if status is None or not status.pid:
        return ""
    if only_runs(process) and status.since_s < SETTLED_S:
        return ""
    return ask(process, state)


def _failed(state: State, run_dir: Path) -> Dead | None:
    try:
        name, because = (run_dir / FAILED).read_text().split("\n", 1)
    except FileNotFoundError:
        return None
    process = next((each for each in state.processes if each.program == name), None)
    return Dead(process=process, because=because)

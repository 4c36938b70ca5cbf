"""What each program of a running stack is there for, and how it stands."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django_tandem.model import Process, Status
from django_tandem.render.state import State
from django_tandem.runtime.connections import held
from django_tandem.runtime.generations import generation_of, to_end
from django_tandem.runtime.questions import ask
from django_tandem.runtime.sockets import linked

READY = "ready"
# What is called so runs and does not answer; in its first seconds it is not expected to.
UP = {"STARTING": "starting", "RUNNING": "silent"}


class Duty(StrEnum):
    """What a program is there for at this moment."""

    SERVING = "serving"
    DRAINING = "draining"
    CANDIDATE = "candidate"
    LEFT_BEHIND = "left behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """
    One program at one moment.

    ``process`` is what was planned, None where that is no longer known. ``connections`` is
    None for a program that has no socket.
    """

    status: Status
    process: Process | None
    duty: Duty
    state: str
    connections: int | None


def duties(
    state: State, running: Collection[str], *, is_reloading: bool, linked: Collection[str] = ()
) -> dict[str, Duty]:
    """Return what each of the programs ``running`` is there for."""
    old = to_end(state, running, is_reloading=False, linked=linked)
    unproved = Duty.CANDIDATE if is_reloading else Duty.LEFT_BEHIND

    def duty(name: str) -> Duty:
        if name not in old:
            return Duty.SERVING
        return unproved if generation_of(name) > state.generation else Duty.DRAINING

    return {name: duty(name) for name in running}


def look(
    run_dir: Path,
    state: State,
    proposed: State | None,
    statuses: Sequence[Status],
    *,
    is_reloading: bool,
) -> tuple[Program, ...]:
    """Look at each program; ``proposed`` is the state of a generation that is being proved."""
    planned = {
        process.program: process
        for each in (proposed, state)
        if each is not None
        for process in each.processes
    }
    every = (*statuses, *_waiting(state, statuses))
    duty_of = duties(
        state,
        [each.name for each in every],
        is_reloading=is_reloading,
        linked=linked(run_dir),
    )
    # Counted first, for each question is a connection of its own.
    connections = [_connections(run_dir, each.name) for each in every]

    def stands(status: Status) -> str:
        return _state(status, planned.get(status.name), duty_of[status.name], state)

    # All at once, since each that hangs takes as long as the question may.
    with ThreadPoolExecutor() as pool:
        states = list(pool.map(stands, every))
    return tuple(
        Program(
            status=each,
            process=planned.get(each.name),
            duty=duty_of[each.name],
            state=found,
            connections=count,
        )
        for each, found, count in zip(every, states, connections, strict=True)
    )


def _waiting(state: State, statuses: Sequence[Status]) -> list[Status]:
    """Return the programs that start only when their predecessors have ended."""
    known = {each.name for each in statuses}
    names = [each.program for each in state.processes if each.program not in known]
    return [Status(name=name, state="WAITING", pid=0, since_s=0) for name in names]


def _connections(run_dir: Path, name: str) -> int | None:
    path = run_dir / f"{name}.sock"
    return held(path) if path.exists() else None


def _state(status: Status, process: Process | None, duty: Duty, state: State) -> str:
    # supervisord calls a process running when it is old enough; what counts is whether it answers.
    if duty in (Duty.SERVING, Duty.CANDIDATE) and process and status.state in UP:
        return READY if status.pid and ask(process, state) else UP[status.state]
    if duty is Duty.DRAINING and status.state in UP:
        return "draining"
    return status.state.lower()

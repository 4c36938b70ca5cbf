"""What each program of a running stack is there for, and how it stands."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django_tandem.model import Process, Status
from django_tandem.render.state import State
from django_tandem.runtime.connections import held_by
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
    every = (*statuses, *_waiting(state, statuses))
    names = [each.name for each in every]
    duty_of = duties(state, names, is_reloading=is_reloading, linked=linked(run_dir))
    planned = _planned(state, proposed)
    # Counted first, for each question is a connection of its own.
    connections = _connections(run_dir, names)
    states = _states(every, planned, duty_of, state)
    return tuple(
        Program(
            status=each,
            process=planned.get(each.name),
            duty=duty_of[each.name],
            state=states[each.name],
            connections=connections.get(each.name),
        )
        for each in every
    )


def _planned(state: State, proposed: State | None) -> dict[str, Process]:
    states = [each for each in (proposed, state) if each is not None]
    return {process.program: process for each in states for process in each.processes}


def _waiting(state: State, statuses: Sequence[Status]) -> list[Status]:
    """Return the programs that start only when their predecessors have ended."""
    known = {each.name for each in statuses}
    names = [each.program for each in state.processes if each.program not in known]
    return [Status(name=name, state="WAITING", pid=0, since_s=0) for name in names]


def _connections(run_dir: Path, names: Sequence[str]) -> dict[str, int | None]:
    sockets = {name: run_dir / f"{name}.sock" for name in names}
    found = held_by([path for path in sockets.values() if path.exists()])
    return {name: found.get(path) for name, path in sockets.items()}


def _states(
    every: Sequence[Status],
    planned: Mapping[str, Process],
    duty_of: Mapping[str, Duty],
    state: State,
) -> dict[str, str]:
    def stands(status: Status) -> str:
        return _state(status, planned.get(status.name), duty_of[status.name], state)

    # All at once, since each that hangs takes as long as the question may.
    with ThreadPoolExecutor() as pool:
        found = pool.map(stands, every)
    return {each.name: stand for each, stand in zip(every, found, strict=True)}


def _state(status: Status, process: Process | None, duty: Duty, state: State) -> str:
    # supervisord calls a process running when it is old enough; what counts is whether it answers.
    if duty in (Duty.SERVING, Duty.CANDIDATE) and process and status.state in UP:
        return READY if status.pid and ask(process, state) else UP[status.state]
    if duty is Duty.DRAINING and status.state in UP:
        return "draining"
    return status.state.lower()

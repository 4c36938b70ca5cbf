"""The state against the running programs: which to stop, and which to start."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from django_tandem.model.programs import generation_of, is_named, socket_names
from django_tandem.model.state import State
from django_tandem.runtime import candidates, lock, supervisord
from django_tandem.runtime.links import linked_sockets
from django_tandem.runtime.state import read_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """The programs that run, and how they differ from the state."""

    state: State
    running: tuple[str, ...]
    to_stop: tuple[str, ...]
    to_start: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether exactly the programs of the live generation run."""
        return not self.to_stop and not self.to_start


def read_diff(run_dir: Path) -> Diff | None:
    """Compare what supervisord runs with the state; raises OSError without supervisord."""
    return compare(run_dir, tuple(each.name for each in supervisord.statuses(run_dir)))


def compare(run_dir: Path, running: tuple[str, ...]) -> Diff | None:
    """
    Compare the programs found ``running`` with the state; None when nothing was started.

    First the programs, then the lock, then the state: each is read after the one before, so
    that the programs of a reload in progress are never taken for those of a killed one.
    """
    is_reloading = lock.holder(run_dir, lock.RELOAD) is not None
    state = read_state(run_dir)
    if state is None:
        return None
    # Committed, and the links have not moved yet: their targets still serve.
    is_moving = is_reloading and candidates.is_unfinished(run_dir)
    linked = linked_sockets(run_dir)
    stopping = programs_to_stop(state, running, is_reloading=is_reloading, linked=linked)
    return Diff(
        state=state,
        running=running,
        to_stop=() if is_moving else tuple(stopping),
        to_start=() if is_moving else tuple(programs_to_start(state, running)),
    )


def next_generation(state: State, running: Iterable[str]) -> int:
    """Return a number above that of each generation that is live, drains or was abandoned."""
    return 1 + max(state.generation, *(generation_of(program) for program in running))


def programs_to_stop(
    state: State, running: Iterable[str], *, is_reloading: bool, linked: Collection[str] = ()
) -> list[str]:
    """
    Return which of the programs ``running`` are to be stopped.

    Never one with a socket that is still ``linked``: new connections reach it, even if the state
    no longer names it. Programs newer than the state belong to the reload in progress; without
    one, they were abandoned by a reload that was killed.
    """
    serving = {process.program for process in state.processes}
    return [
        program
        for program in running
        if program not in serving
        and not any(socket in linked for socket in socket_names(program).values())
        and not (is_reloading and generation_of(program) > state.generation)
    ]


def programs_to_start(state: State, running: Collection[str]) -> list[str]:
    """Return the programs of ``state`` that don't run and whose predecessors have ended."""
    # The number of replicas may have changed, and with it their names.
    replaced = set(running) - {process.program for process in state.processes}
    return [
        process.program
        for process in state.processes
        if process.program not in running
        and not (process.exclusive and any(is_named(each, process.name) for each in replaced))
    ]

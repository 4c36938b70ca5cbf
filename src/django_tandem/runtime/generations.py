"""What the state says against what runs: the programs to end, and those to start."""

from collections.abc import Collection, Iterable

from django_tandem.render.state import State


def generation_of(program: str) -> int:
    """Return the generation in a program's name, such as 2 of ``wsgi-2``; 0 for one without."""
    number = program.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def next_generation(state: State, running: Iterable[str]) -> int:
    """Return a number that no generation has that serves, drains or was left half started."""
    return 1 + max(state.generation, *(generation_of(program) for program in running))


def to_end(
    state: State, running: Iterable[str], *, is_reloading: bool, linked: Collection[str] = ()
) -> list[str]:
    """
    Return which of the programs ``running`` no longer serve.

    What new connections are ``linked`` to still does, whatever the state says by now. While a
    reload is on its way, what is newer than the state is its own affair; when none is, it was
    left behind by one that was killed.
    """
    serving = {process.program for process in state.processes} | set(linked)
    return [
        program
        for program in running
        if program not in serving
        and not (is_reloading and generation_of(program) > state.generation)
    ]


def to_start(state: State, running: Collection[str]) -> list[str]:
    """Return the programs of ``state`` that don't run and whose predecessors have ended."""
    return [
        process.program
        for process in state.processes
        if process.program not in running
        and not (process.exclusive and any(_is_of(process.name, other) for other in running))
    ]


def _is_of(name: str, program: str) -> bool:
    return program.rpartition("-")[0] == name
